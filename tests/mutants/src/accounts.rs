//! The mutants of accounts structs: their constraints are types and attributes, so each is built by itself.

use syn::{spanned::Spanned, Attribute, Fields, Item, ItemStruct};

use crate::{
    find::excerpt,
    source::{Change, Mutant},
};

/// What Anchor checks through a type; without it, the account is any.
const CHECKED: [&str; 2] = ["Signer", "Program"];

pub fn mutants(file: &str, text: &str) -> syn::Result<Vec<Mutant>> {
    let tree = syn::parse_file(text)?;
    let mut found = Vec::new();
    for item in &tree.items {
        match item {
            Item::Struct(item) if derives_accounts(item) => of_struct(file, text, item, &mut found),
            _ => {}
        }
    }
    Ok(found)
}

fn derives_accounts(item: &ItemStruct) -> bool {
    let derives = item.attrs.iter().filter(|a| a.path().is_ident("derive"));
    derives
        .filter_map(|a| a.meta.require_list().ok())
        .any(|list| list.tokens.to_string().contains("Accounts"))
}

/// `#[cfg(feature = "idl-build")]`: not in the ELF.
fn is_for_the_idl(attribute: &Attribute) -> bool {
    let list = attribute.meta.require_list();
    attribute.path().is_ident("cfg")
        && list.is_ok_and(|list| list.tokens.to_string() == r#"feature = "idl-build""#)
}

fn of_struct(file: &str, text: &str, item: &ItemStruct, found: &mut Vec<Mutant>) {
    let Fields::Named(fields) = &item.fields else {
        return;
    };
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        if field.attrs.iter().any(is_for_the_idl) {
            continue;
        }
        let mut add = |kind: String, span: std::ops::Range<usize>, new: String| {
            let line = text[..span.start].matches('\n').count() + 1;
            let name = format!("{file} {}: {kind}: {ident}", item.ident);
            found.push(Mutant {
                id: 0,
                name,
                file: file.to_owned(),
                line,
                span,
                function: String::new(),
                constness: None,
                change: Change::Text(new),
            });
        };
        let kind = field.ty.span().byte_range();
        if let Some(name) = CHECKED
            .iter()
            .find(|name| text[kind.clone()].starts_with(&format!("{name}<")))
        {
            add(
                format!("any account for {name}"),
                kind,
                "UncheckedAccount<'info>".to_owned(),
            );
        }
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("cfg_attr")) {
            let Ok(list) = attribute.meta.require_list() else {
                continue;
            };
            // Another set of constraints than the IDL's, for the ELF.
            if list.tokens.to_string() == r#"not (feature = "idl-build") , account (mut)"# {
                let new = "all(), allow(unused)".to_owned();
                add(
                    "without mut".to_owned(),
                    list.tokens.span().byte_range(),
                    new,
                );
            }
        }
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("account")) {
            let Ok(list) = attribute.meta.require_list() else {
                continue;
            };
            let span = list.tokens.span().byte_range();
            let parts = split(&text[span.clone()]);
            let init = parts.iter().any(|part| part.trim().starts_with("init"));
            for (number, part) in parts.iter().enumerate() {
                let word = part.trim();
                let constraint = [
                    "has_one",
                    "address",
                    "constraint",
                    "owner",
                    "signer",
                    "executable",
                ]
                .iter()
                .any(|k| word.starts_with(k));
                if constraint || (word == "mut" && !init) {
                    let others: Vec<&str> = parts
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| *i != number)
                        .map(|(_, p)| p.trim())
                        .collect();
                    add(
                        format!("without {}", excerpt(word)),
                        span.clone(),
                        others.join(", "),
                    );
                }
            }
        }
    }
}

/// At the commas that are in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
