//! Rust on one line, spaced as rustfmt would.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Fields, Signature, Token, TypeParamBound};

use crate::layers::tree::is_public;

/// A signature, under the path of its function.
pub(super) fn function(signature: &Signature, path: &str) -> String {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        // `mut` in front of an argument is no matter of the caller's.
        match argument {
            syn::FnArg::Receiver(this) => this.mutability = None,
            syn::FnArg::Typed(argument) => {
                if let syn::Pat::Ident(name) = argument.pat.as_mut() {
                    name.mutability = None;
                }
            }
        }
    }
    let name = signature.ident.to_string();
    let line = one_line(&signature);
    format!(
        "pub {}",
        line.replacen(&format!("fn {name}"), &format!("fn {path}"), 1)
    )
}

/// What the line of a struct says of its fields: those of a tuple, or that some are hidden.
pub(super) fn hidden_or_tuple(fields: &Fields) -> String {
    match fields {
        Fields::Unit => String::new(),
        Fields::Unnamed(fields) => {
            let shown = fields.unnamed.iter().map(|field| match is_public(&field.vis) {
                true => format!("pub {}", one_line(&field.ty)),
                false => "_".to_owned(),
            });
            format!("({})", shown.collect::<Vec<_>>().join(", "))
        }
        Fields::Named(fields) if fields.named.iter().all(|field| is_public(&field.vis)) => String::new(),
        Fields::Named(_) => " { .. }".to_owned(),
    }
}

pub(super) fn variant_fields(fields: &Fields) -> String {
    match fields {
        Fields::Unit => String::new(),
        Fields::Unnamed(fields) => {
            let shown: Vec<String> = fields.unnamed.iter().map(|field| one_line(&field.ty)).collect();
            format!("({})", shown.join(", "))
        }
        Fields::Named(fields) => {
            let shown = fields.named.iter().map(|field| {
                let name = field.ident.as_ref().expect("a field of a struct has a name");
                format!("{name}: {}", one_line(&field.ty))
            });
            format!(" {{ {} }}", shown.collect::<Vec<_>>().join(", "))
        }
    }
}

pub(super) fn bounds(bounds: &Punctuated<TypeParamBound, Token![+]>) -> String {
    match bounds.is_empty() {
        true => String::new(),
        false => format!(": {}", one_line(bounds)),
    }
}

pub(super) fn one_line(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let mut line = String::new();
    let mut before = "";
    for word in text.split_whitespace() {
        if !before.is_empty() && is_apart(before, word) {
            line.push(' ');
        }
        line.push_str(word);
        before = word;
    }
    let line = line.replace(",)", ")").replace(", >", ">").replace(",>", ">");
    line.replace("impl for<", "impl for <").replace("( ", "(")
}

fn is_apart(before: &str, word: &str) -> bool {
    const CLOSE: [&str; 7] = [",", ")", ">", "]", ";", ":", "::"];
    const OPEN: [&str; 6] = ["(", "<", "[", "&", "::", "#"];
    if word == "->" || before == "->" || word == "=" || before == "=" || before == "+" || word == "+" {
        return true;
    }
    if CLOSE.iter().any(|close| word.starts_with(close)) || OPEN.iter().any(|open| before.ends_with(open)) {
        return false;
    }
    // `fn name(`, `Vec<`, but `dyn Fn(..)`, `, (`.
    let is_name = before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    let is_keyword = ["mut", "dyn", "impl", "in", "where"].contains(&before);
    !((word.starts_with('(') || word.starts_with('<')) && (is_name || before == ">") && !is_keyword)
}
