//! Reading one record with its id from its bytes.

use super::gathered::rejected;
use super::id::{describe, read_id, refuse};
use super::{Options, Ready, Rejected, envelope};
use crate::record::{admit, value_in};

/// Admits JSON text, or returns why not.
pub(super) fn judge(raw: Vec<u8>, options: &Options, line: u64) -> Result<Ready, Rejected> {
    if options.with_id {
        return envelope::judge(raw, options, line);
    }
    let admitted =
        admit(&raw, &options.limits).and_then(|data| value_in(&data, &options.id_field).map(|id| (data, id)));
    let (data, id) = match admitted {
        Ok(admitted) => admitted,
        Err(fault) => return Err(rejected(fault.code, describe(&fault), line, raw)),
    };
    match read_id(id.as_ref(), &options.id_field) {
        Ok(id) => Ok(Ready { id, data }),
        Err(refusal) => Err(refuse(refusal, line, raw)),
    }
}
