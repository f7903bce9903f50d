//! What is compared and how, with every default filled in: what a stage's `[merge]` compiles to.

use std::sync::Arc;

/// A probability in parts per million.
pub(crate) type Ppm = u32;

/// A weight of evidence: thousandths of a bit, that is, of the binary logarithm of a ratio of probabilities.
pub(crate) type Millibits = i32;

/// A comparison of two texts, provided by a program. Pure: the same texts always give the same answer.
pub trait Comparator: std::fmt::Debug + Send + Sync {
    /// Returns the name, part of the stage's meaning.
    fn name(&self) -> &str;

    /// Returns the version, part of the stage's meaning: increase it whenever the answers change.
    fn version(&self) -> u32;

    /// Returns how similar two texts are, in thousandths: 1000 for equal ones. Symmetric.
    fn similarity(&self, a: &str, b: &str) -> u16;
}

/// How the two values of a field are compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Compare {
    /// Equal or different.
    Exact,
    /// A name: Jaro-Winkler similarity, and phonetic equality.
    Name,
    /// A text: Damerau-Levenshtein distance relative to the length.
    Text,
    /// Words in any order.
    Tokens,
    /// A number or code of digits: slips of one digit, transpositions.
    Digits,
    /// A date: one slip, day and month exchanged, one part different.
    Date,
    /// A telephone number: the last digits.
    Phone,
    /// An e-mail address: equal, or its local part.
    Email,
    /// A list of values: the share in common.
    Set,
    /// A comparison of the program's own.
    Custom(Arc<dyn Comparator>),
}

/// What agreement in a field says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Evidence like any other.
    #[default]
    Plain,
    /// It identifies a person: without agreement in any such field two records are never one.
    Identity,
    /// It agrees within a household too.
    Shared,
    /// A second value in one cluster is a contradiction, which goes to review.
    Unique,
    /// Agreement counts, disagreement does not.
    Hint,
}

/// How strictly the identity rule holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caution {
    /// No agreement among identity fields: never. One against and not outvoted: review at most.
    #[default]
    High,
    /// The rule only lowers the probability.
    Low,
    /// No rule.
    None,
}

/// The number of classes that the model distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Classes {
    /// The same, and unrelated.
    Two,
    /// The same, of the same household, and unrelated.
    Three,
}

/// What two clusters need to be joined, beside one pair that is certain enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Join {
    /// The mean probability over all cross pairs is high enough.
    #[default]
    Mean,
    /// Every cross pair is likely enough.
    All,
    /// Nothing more: clusters may chain.
    Any,
}

/// What the values of a field are: decides the default comparison, the keys that are chosen, and what is believed of the
/// field before any data is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A given name.
    Given,
    /// A family name.
    Surname,
    /// A date of birth.
    Birth,
    /// A number that identifies a person, as a social security number does.
    Ssn,
    /// A telephone number.
    Phone,
    /// A postal code.
    Zip,
    /// An e-mail address.
    Email,
    /// A street.
    Street,
    /// The number of a house.
    House,
    /// A town or suburb.
    City,
    /// A state, province or region.
    State,
    /// Any other text.
    #[default]
    Text,
    /// A code with few values, as a state or a sex.
    Code,
}

impl Kind {
    /// Returns how values of the kind are compared unless the stage says otherwise.
    pub fn compare(self) -> Compare {
        match self {
            Self::Given | Self::Surname | Self::Street | Self::City => Compare::Name,
            Self::Birth => Compare::Date,
            Self::Ssn | Self::Zip => Compare::Digits,
            Self::Phone => Compare::Phone,
            Self::Email => Compare::Email,
            Self::House | Self::State | Self::Code => Compare::Exact,
            Self::Text => Compare::Text,
        }
    }
}

/// A compared field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Name, unique among the fields.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) compare: Compare,
    /// Similarities, in thousandths and descending, at which the levels end; the first is 1000, equality.
    pub(crate) cuts: Vec<u16>,
    pub(crate) role: Role,
    /// The field whose value may stand in this one's place, as a given name in that of the surname.
    pub(crate) swap: Option<usize>,
    /// Whether agreement on a rare value counts more than on a common one.
    pub(crate) frequency: bool,
}

/// Fields that determine each other and are counted once, at the first level that holds.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Each level: the fields that must agree.
    pub(crate) levels: Vec<Vec<GroupPart>>,
}

/// A field within a level of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupPart {
    pub(crate) field: usize,
    /// Whether similarity at the field's second cut is enough.
    pub(crate) similar: bool,
}

/// A blocking key: records that agree in all its parts are candidates.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) parts: Vec<KeyPart>,
    /// Largest block that is compared as it is.
    pub(crate) limit: usize,
    /// The parts that are added, one by one, to a larger block. Empty: chosen by the program.
    pub(crate) refine: Vec<KeyPart>,
}

/// A part of a blocking key. An absent or empty value is in no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum KeyPart {
    /// The value of a field.
    Field(usize),
    /// Its first characters.
    Prefix(usize, u8),
    /// Its last characters.
    Suffix(usize, u8),
    /// Its Soundex code.
    Soundex(usize),
    /// Its Metaphone code.
    Metaphone(usize),
    /// The year of a date.
    Year(usize),
    /// The month and day of a date, the smaller number first, so that exchanged ones agree.
    MonthDay(usize),
    /// The Soundex codes of two fields, the smaller first, so that exchanged ones agree.
    Either(usize, usize),
    /// The first characters of two fields, the smaller first.
    Initials(usize, usize),
    /// A text that was computed for the record, by its position.
    Computed(usize),
}

/// Where the weights come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Learn {
    /// Expectation-maximization over the candidates.
    Em,
    /// Given: for each field or group (fields first), the weight of each level, the last for disagreement.
    Given(Vec<Vec<Millibits>>),
}

/// Bounds that refuse before they are exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Largest number of candidate pairs.
    pub(crate) pairs: u64,
    /// Largest number of bytes of memory.
    pub(crate) memory: u64,
}

/// Everything that determines which records are one.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) fields: Vec<Field>,
    pub(crate) groups: Vec<Group>,
    /// Empty: chosen by the program from the fields.
    pub(crate) keys: Vec<Key>,
    pub(crate) caution: Caution,
    pub(crate) classes: Classes,
    pub(crate) learn: Learn,
    /// The share of all pairs that are one, in parts per million million; `None`: estimated.
    pub(crate) prior: Option<u64>,
    /// Every merged pair is at least this probable.
    pub(crate) auto: Ppm,
    /// Every pair that is shown to a person is at least this probable.
    pub(crate) review: Ppm,
    pub(crate) join: Join,
    /// Largest number of members of a cluster.
    pub(crate) most: usize,
    pub(crate) limits: Limits,
}

impl Compare {
    /// Returns the similarities, in thousandths, at which the levels end unless the stage says otherwise: the first is
    /// equality. Dates and digits have levels of their own and no cuts.
    pub(crate) fn cuts(&self) -> Vec<u16> {
        match self {
            Self::Exact | Self::Digits | Self::Date | Self::Phone | Self::Email => vec![1000],
            Self::Name => vec![1000, 920, 850, 750],
            Self::Text => vec![1000, 850, 700],
            Self::Tokens | Self::Set => vec![1000, 700, 400],
            Self::Custom(_) => vec![1000, 900, 750],
        }
    }
}

impl Field {
    /// Returns a field with what its kind brings along.
    pub(crate) fn new(name: &str, kind: Kind, role: Role) -> Self {
        let compare = kind.compare();
        Self {
            name: name.to_owned(),
            kind,
            cuts: compare.cuts(),
            compare,
            role,
            swap: None,
            frequency: !matches!(kind, Kind::State | Kind::Code),
        }
    }
}

impl Settings {
    /// Returns the settings of a stage that says nothing but its fields.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "benches/matching.rs includes this folder")
    )]
    pub(crate) fn new(mut fields: Vec<Field>) -> Self {
        let position = |kind| fields.iter().position(|field: &Field| field.kind == kind);
        if let (Some(given), Some(surname)) = (position(Kind::Given), position(Kind::Surname))
            && fields.iter().all(|field| field.swap.is_none())
        {
            fields[surname].swap = Some(given);
        }
        let shared = fields.iter().any(|field| field.role == Role::Shared);
        Self {
            groups: place(&fields).into_iter().collect(),
            fields,
            keys: Vec::new(),
            caution: Caution::High,
            classes: if shared { Classes::Three } else { Classes::Two },
            learn: Learn::Em,
            prior: None,
            auto: 990_000,
            review: 500_000,
            join: Join::Mean,
            most: 25,
            limits: Limits {
                pairs: 50_000_000,
                memory: 512 << 20,
            },
        }
    }
}

/// Returns the group of the fields that say where somebody lives, which determine each other: compared apart, they would
/// count the same agreement several times. `None` with fewer than two such fields.
pub(crate) fn place(fields: &[Field]) -> Option<Group> {
    let part = |kind, similar| {
        let field = fields.iter().position(|field| field.kind == kind)?;
        Some(GroupPart { field, similar })
    };
    let kinds = [Kind::Street, Kind::House, Kind::City, Kind::Zip, Kind::State];
    if kinds.into_iter().filter_map(|kind| part(kind, false)).count() < 2 {
        return None;
    }
    let levels: [&[(Kind, bool)]; 6] = [
        &[(Kind::Street, false), (Kind::House, false)],
        &[(Kind::Street, false)],
        &[(Kind::Street, true)],
        &[(Kind::Zip, false)],
        &[(Kind::City, false)],
        &[(Kind::State, false)],
    ];
    let levels = levels
        .into_iter()
        .filter_map(|parts| parts.iter().map(|&(kind, similar)| part(kind, similar)).collect())
        .collect();
    Some(Group {
        name: "place".to_owned(),
        levels,
    })
}
