//! Legacy shop orders, made up: the same seed gives the same orders on every machine, and the first n orders are the
//! same however many are asked for.

/// How the orders are identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// `ORD-2020-001` and so on, ascending, a quarter of a million a year.
    Sequential,
    /// Random UUIDs of version 4: the worst case for an index.
    Random,
    /// `ORD-2020-` and twenty random digits: as bad for an index, and what the contract of the shop accepts.
    RandomOrders,
}

/// Endless orders: the id and the data, JSON text without insignificant whitespace.
pub(crate) fn orders(seed: u64, ids: Ids) -> impl Iterator<Item = (String, String)> {
    let mut random = Random(seed);
    (0u64..).map(move |at| order(at, ids, &mut random))
}

const FIRST_YEAR: u64 = 2020;
const ORDERS_A_YEAR: u64 = 250_000;
const SECONDS_BETWEEN_ORDERS: u64 = 126;

const GIVEN_NAMES: [&str; 32] = [
    "James",
    "Mary",
    "Robert",
    "Patricia",
    "John",
    "Jennifer",
    "Michael",
    "Linda",
    "David",
    "Elizabeth",
    "William",
    "Barbara",
    "Richard",
    "Susan",
    "Joseph",
    "Jessica",
    "Thomas",
    "Sarah",
    "Mary Ann",
    "Karen",
    "José",
    "Zoë",
    "Wei",
    "Aisha",
    "Priya",
    "Olga",
    "Mohammed",
    "Nancy",
    "Daniel",
    "Lisa",
    "Matthew",
    "Betty",
];
const FAMILY_NAMES: [&str; 32] = [
    "Smith",
    "Johnson",
    "Williams",
    "Brown",
    "Jones",
    "Garcia",
    "Miller",
    "Davis",
    "Rodriguez",
    "Martinez",
    "Hernandez",
    "Lopez",
    "Gonzalez",
    "Wilson",
    "Anderson",
    "Thomas",
    "Taylor",
    "Moore",
    "Jackson",
    "Martin",
    "Lee",
    "Perez",
    "Thompson",
    "White",
    "Harris",
    "Sanchez",
    "Clark",
    "Ramirez",
    "O'Brien",
    "van der Berg",
    "Müller",
    "Nguyen",
];
const STREETS: [&str; 16] = [
    "Main St",
    "Oak Ave",
    "Maple Dr",
    "Cedar Ln",
    "Park Blvd",
    "Elm St",
    "Washington Ave",
    "Lake Rd",
    "Hill St",
    "Pine St",
    "2nd St",
    "Martin Luther King Jr Blvd",
    "Sunset Blvd",
    "River Rd",
    "Church St",
    "Broadway",
];
const CITIES: [(&str, &str, u64); 12] = [
    ("Boston", "MA", 2101),
    ("New York", "NY", 10001),
    ("Chicago", "IL", 60601),
    ("Houston", "TX", 77001),
    ("Phoenix", "AZ", 85001),
    ("Philadelphia", "PA", 19101),
    ("San Antonio", "TX", 78201),
    ("San Diego", "CA", 92101),
    ("Portland", "OR", 97201),
    ("St. Louis", "MO", 63101),
    ("Salt Lake City", "UT", 84101),
    ("Burlington", "VT", 5401),
];
const MAIL_HOSTS: [&str; 4] = [
    "example.com",
    "example.org",
    "mail.example.net",
    "shop.example.com",
];

fn order(at: u64, ids: Ids, random: &mut Random) -> (String, String) {
    let (year, sequence) = (FIRST_YEAR + at / ORDERS_A_YEAR, at % ORDERS_A_YEAR);
    let id = match ids {
        Ids::Sequential => format!("ORD-{year}-{:03}", sequence + 1),
        Ids::Random => random.uuid(),
        Ids::RandomOrders => format!("ORD-{FIRST_YEAR}-{:020}", random.next()),
    };
    let (given, family) = (random.pick(&GIVEN_NAMES), random.pick(&FAMILY_NAMES));
    let mailbox: String = format!("{given}.{family}")
        .to_lowercase()
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || *character == '.')
        .collect();
    let (products, quantities, prices, subtotal) = items(random);
    let data = format!(
        "{{\"order_id\":\"{id}\",\"customer_name\":\"{given} {family}\",\"customer_email\":\"{mailbox}{}@{}\",\
         \"customer_phone\":\"{}\",\"customer_address\":\"{}\",\"product_ids\":\"{products}\",\
         \"quantities\":\"{quantities}\",\"prices\":\"{prices}\",\"order_total\":{},\"order_status\":{},\
         \"created_date\":\"{}\"}}",
        random.below(1000),
        random.pick(&MAIL_HOSTS),
        phone(random),
        address(random),
        money(charged(subtotal, random)),
        1 + random.below(3),
        moment(year, sequence * SECONDS_BETWEEN_ORDERS),
    );
    (id, data)
}

/// The three comma lists of an order, and the subtotal in cents.
fn items(random: &mut Random) -> (String, String, String, u64) {
    let (mut products, mut quantities, mut prices, mut subtotal) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..=random.below(5) {
        let product = 101 + random.below(900);
        let quantity = 1 + random.below(4);
        // A product has one price, and most prices end in 99.
        let price = (product * 37 % 120 + 1) * 100
            + if product.is_multiple_of(4) {
                product % 100
            } else {
                99
            };
        products.push(format!("PROD-{product}"));
        quantities.push(quantity.to_string());
        prices.push(money(price));
        subtotal += quantity * price;
    }
    (
        products.join(","),
        quantities.join(","),
        prices.join(","),
        subtotal,
    )
}

/// What the legacy shop charged, in cents: 8.25% tax, and 6.00 for shipping below 100.00; one order in fifty paid
/// shipping all the same, as the reference's own sample did.
fn charged(subtotal: u64, random: &mut Random) -> u64 {
    let tax = (subtotal * 825 + 5000) / 10_000;
    let pays_shipping = subtotal < 10_000 || random.below(50) == 0;
    subtotal + tax + if pays_shipping { 600 } else { 0 }
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn phone(random: &mut Random) -> String {
    let (area, line) = (201 + random.below(780), random.below(10_000));
    match random.below(10) {
        0 => format!("555-{line:04}"),
        1..=3 => format!("({area}) 555-{line:04}"),
        4 => format!("1-{area}-555-{line:04}"),
        5 => format!("{area}555{line:04}"),
        _ => format!("{area}-555-{line:04}"),
    }
}

fn address(random: &mut Random) -> String {
    let (city, state, zip) = random.pick(&CITIES);
    let (number, street) = (1 + random.below(9999), random.pick(&STREETS));
    let door = match random.below(5) {
        0 => format!(", Apt {}", 1 + random.below(40)),
        _ => String::new(),
    };
    format!(
        "{number} {street}{door}, {city}, {state} {:05}",
        zip + random.below(80)
    )
}

/// `YYYY-MM-DD hh:mm:ss` of a second of a year, without leap days: they are not missed here.
fn moment(year: u64, second: u64) -> String {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut day, mut month) = (second / 86_400, 0);
    while day >= DAYS[month] {
        day -= DAYS[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3600 % 24, second / 60 % 60, second % 60);
    format!(
        "{year}-{:02}-{:02} {hour:02}:{minute:02}:{second:02}",
        month + 1,
        day + 1
    )
}

/// The generator `SplitMix64`: enough for made-up orders, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy, const N: usize>(&mut self, values: &[T; N]) -> T {
        let at = usize::try_from(self.below(N as u64)).expect("an index below the length of a list");
        values[at]
    }

    fn uuid(&mut self) -> String {
        let bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}
