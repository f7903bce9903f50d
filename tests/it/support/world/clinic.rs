//! The readings of a ward, and the stages that take them.

pub(super) const EXACT: &str = r#"
[stage]
description = "Exact temperatures"
source = "records_v1"
target = "records_v2"
rounding = "half-even"
max_errors = "50%"
redact = ["patient"]

[[op]]
op = "decimal"
path = "temp"
strip = " C"
places = 1
emit = "number"

[[op]]
op = "rename"
from = "temp"
to = "celsius"

[[contract.rule]]
name = "alive"
expect = "= doc.celsius > 25 && doc.celsius < 45"

[[example]]
name = "half a tenth goes to the even neighbour"
input = '{"id": "r2", "temp": "38.95 C"}'
output = '{"id": "r2", "celsius": 39.0}'
"#;

pub(super) const WARDS: &str = r#"
[stage]
description = "Wards by their new names"
source = "records_v2"

[[op]]
op = "map"
path = "ward"
values = { B2 = "north", C1 = "south" }

[[example]]
name = "the old ward B2 is north"
input = '{"id": "r1", "ward": "B2"}'
output = '{"id": "r1", "ward": "north"}'
"#;

pub(super) const READINGS: &str = r#"{"id": "r1", "patient": "Lovelace", "ward": "B2", "temp": "37.1 C", "weight": 6.00}
{"id": "r2", "patient": "Hopper", "ward": "B2", "temp": "38.95 C", "weight": 71.5}
{"id": "r3", "patient": "Hamilton", "ward": "C1", "temp": "n/a", "weight": 64}
{"id": "r4", "patient": "Lamarr", "ward": "C1", "temp": "36.6 C", "weight": 58}
{"id": "r5", "ward": "C1", "temp":
"#;
