//! The kinds of fields: what a field's name says about how it is compared. The one table of it; parser, JSON Schema and
//! documentation follow from it.

use crate::matching::{Compare, Kind};

/// How the values of a field are written before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Without differences of case, accents, apostrophes and blanks.
    Folded,
    /// As `yyyy-mm-dd`, where it is a date.
    Date,
    /// Its digits only.
    Digits,
    /// In lower case, without blanks around it.
    Lower,
    /// A list, each element folded.
    List,
}

/// A kind of fields, and how it is compared unless the stage says otherwise.
#[derive(Debug)]
pub(super) struct KindRow {
    /// Its name in stage files.
    pub(super) word: &'static str,
    /// Names of fields that are of this kind too, without `_` and `-`.
    pub(super) synonyms: &'static [&'static str],
    /// What the matching believes of it.
    pub(super) kind: Kind,
    /// `None`: the comparison that the matching chooses.
    compare: Option<CompareWord>,
    pub(super) form: Form,
    /// Whether it is the part of a place that only the group of places knows.
    pub(super) is_region: bool,
    /// What its values are, in words.
    pub(super) what: &'static str,
}

/// A row of the table.
pub(super) type Row = &'static KindRow;

/// A comparison by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareWord {
    Exact,
    Name,
    Text,
    Tokens,
    Digits,
    Date,
    Phone,
    Email,
    Set,
    Rust,
}

/// The comparisons in stage files.
pub(super) const COMPARISONS: [(&str, CompareWord); 10] = [
    ("exact", CompareWord::Exact),
    ("name", CompareWord::Name),
    ("text", CompareWord::Text),
    ("tokens", CompareWord::Tokens),
    ("digits", CompareWord::Digits),
    ("date", CompareWord::Date),
    ("phone", CompareWord::Phone),
    ("email", CompareWord::Email),
    ("set", CompareWord::Set),
    ("rust", CompareWord::Rust),
];

impl CompareWord {
    /// Returns the name in stage files.
    pub(super) fn name(self) -> &'static str {
        let found = COMPARISONS.iter().find(|(_, word)| *word == self);
        found.map_or("", |(name, _)| name)
    }

    /// Returns the comparison; `None` for a function of the program.
    pub(super) fn compare(self) -> Option<Compare> {
        Some(match self {
            Self::Exact => Compare::Exact,
            Self::Name => Compare::Name,
            Self::Text => Compare::Text,
            Self::Tokens => Compare::Tokens,
            Self::Digits => Compare::Digits,
            Self::Date => Compare::Date,
            Self::Phone => Compare::Phone,
            Self::Email => Compare::Email,
            Self::Set => Compare::Set,
            Self::Rust => return None,
        })
    }

    pub(super) fn of(compare: &Compare) -> Self {
        match compare {
            Compare::Exact => Self::Exact,
            Compare::Name => Self::Name,
            Compare::Text => Self::Text,
            Compare::Tokens => Self::Tokens,
            Compare::Digits => Self::Digits,
            Compare::Date => Self::Date,
            Compare::Phone => Self::Phone,
            Compare::Email => Self::Email,
            Compare::Set => Self::Set,
            Compare::Custom(_) => Self::Rust,
        }
    }

    /// Returns the number of levels between equality and difference, where they do not follow from cuts.
    pub(super) fn own_levels(self) -> Option<usize> {
        match self {
            Self::Exact => Some(0),
            Self::Phone | Self::Email => Some(1),
            Self::Digits => Some(2),
            Self::Date => Some(3),
            Self::Name | Self::Text | Self::Tokens | Self::Set | Self::Rust => None,
        }
    }

    /// Returns the kind of a field that is compared so although its name says nothing.
    fn usual_kind(self) -> &'static str {
        match self {
            Self::Name => "surname",
            Self::Tokens => "name",
            Self::Digits => "ssn",
            Self::Date => "birth",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Exact => "code",
            Self::Text | Self::Set | Self::Rust => "text",
        }
    }
}

/// Any other text.
const TEXT: KindRow = KindRow {
    word: "text",
    synonyms: &[],
    kind: Kind::Text,
    compare: None,
    form: Form::Folded,
    is_region: false,
    what: "any other text",
};

/// Every kind, in the order of the documentation.
pub(super) static KINDS: [KindRow; 14] = [
    KindRow {
        word: "given",
        synonyms: &[
            "first",
            "firstname",
            "givenname",
            "givennames",
            "forename",
            "middle",
            "middlename",
        ],
        kind: Kind::Given,
        what: "a given name",
        ..TEXT
    },
    KindRow {
        word: "surname",
        synonyms: &["last", "lastname", "family", "familyname", "maiden", "maidenname"],
        kind: Kind::Surname,
        what: "a family name",
        ..TEXT
    },
    KindRow {
        word: "name",
        synonyms: &["fullname", "company", "organisation", "organization"],
        compare: Some(CompareWord::Tokens),
        what: "a whole name, its words in any order",
        ..TEXT
    },
    KindRow {
        word: "birth",
        synonyms: &["dob", "birthdate", "birthday", "dateofbirth", "born", "date"],
        kind: Kind::Birth,
        form: Form::Date,
        what: "a date",
        ..TEXT
    },
    KindRow {
        word: "ssn",
        synonyms: &[
            "socialsecurity",
            "socialsecuritynumber",
            "socsecid",
            "nationalid",
            "nhs",
            "nhsnumber",
            "taxid",
        ],
        kind: Kind::Ssn,
        form: Form::Digits,
        what: "a number that a state assigns to a person",
        ..TEXT
    },
    KindRow {
        word: "phone",
        synonyms: &["phonenumber", "telephone", "tel", "mobile", "cell", "fax"],
        kind: Kind::Phone,
        form: Form::Digits,
        what: "a telephone number",
        ..TEXT
    },
    KindRow {
        word: "email",
        synonyms: &["emailaddress", "mail"],
        kind: Kind::Email,
        form: Form::Lower,
        what: "an e-mail address",
        ..TEXT
    },
    KindRow {
        word: "street",
        synonyms: &["streetname", "address", "addressline", "road"],
        kind: Kind::Street,
        what: "a street, with or without the number; part of a place",
        ..TEXT
    },
    KindRow {
        word: "number",
        synonyms: &["streetnumber", "housenumber", "house"],
        kind: Kind::House,
        what: "the number of a house; part of a place",
        ..TEXT
    },
    KindRow {
        word: "zip",
        synonyms: &["zipcode", "postcode", "postalcode", "plz"],
        kind: Kind::Zip,
        what: "a postal code; part of a place",
        ..TEXT
    },
    KindRow {
        word: "city",
        synonyms: &["town", "suburb", "locality", "municipality"],
        kind: Kind::City,
        what: "a town; part of a place",
        ..TEXT
    },
    KindRow {
        word: "state",
        synonyms: &["province", "region", "county"],
        kind: Kind::Code,
        is_region: true,
        what: "a state or province; part of a place",
        ..TEXT
    },
    KindRow {
        word: "code",
        synonyms: &["id", "mrn", "reference", "sex", "gender", "country", "title"],
        kind: Kind::Code,
        what: "one of few values, or an identifier",
        ..TEXT
    },
    TEXT,
];

impl KindRow {
    fn named(word: &str) -> Row {
        let found = KINDS.iter().find(|row| row.word == word);
        found.unwrap_or(&KINDS[KINDS.len() - 1])
    }

    /// Returns the row of a kind.
    pub(super) fn of(kind: Kind) -> Row {
        let found = KINDS
            .iter()
            .find(|row| row.kind == kind && !row.is_region && row.compare.is_none());
        found.unwrap_or(&KINDS[KINDS.len() - 1])
    }

    /// Returns the row of a field by its name, or by its comparison if the name says nothing.
    pub(super) fn guessed(name: &str, compare: Option<CompareWord>) -> Row {
        let plain: String = name
            .chars()
            .filter(|letter| !matches!(letter, '_' | '-'))
            .collect();
        let plain = plain.to_lowercase();
        let plain = plain.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let named = KINDS
            .iter()
            .find(|row| row.word == plain || row.synonyms.contains(&plain));
        named.unwrap_or_else(|| Self::named(compare.map_or("text", CompareWord::usual_kind)))
    }

    /// Returns how its values are compared.
    pub(super) fn compare(&self) -> Compare {
        let own = self.compare.and_then(CompareWord::compare);
        own.unwrap_or_else(|| self.kind.compare())
    }
}

/// Returns how the values of a field are written: by the comparison, else by the kind.
pub(super) fn form(row: Row, compare: CompareWord) -> Form {
    match compare {
        CompareWord::Date => Form::Date,
        CompareWord::Phone => Form::Digits,
        CompareWord::Email => Form::Lower,
        CompareWord::Set => Form::List,
        _ => row.form,
    }
}

/// Returns the kinds as a table of the documentation.
#[cfg(test)]
pub(in crate::stage) fn table() -> String {
    use std::fmt::Write as _;
    let mut table =
        "| kind | what it holds | other names | compared as | by |\n|---|---|---|---|---|\n".to_owned();
    for row in &KINDS {
        let synonyms: Vec<String> = row.synonyms.iter().map(|name| format!("`{name}`")).collect();
        let form = match row.form {
            Form::Folded | Form::List => "folded",
            Form::Date => "`yyyy-mm-dd`",
            Form::Digits => "digits",
            Form::Lower => "lower case",
        };
        let compare = CompareWord::of(&row.compare()).name();
        let synonyms = synonyms.join(", ");
        let _ = writeln!(
            table,
            "| `{}` | {} | {synonyms} | {form} | `{compare}` |",
            row.word, row.what
        );
    }
    table
}
