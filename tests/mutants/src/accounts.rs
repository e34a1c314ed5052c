//! The mutants of accounts structs. Their constraints are types and attributes; as `constraint`s with the same error they can stand
//! behind switches.

use anyhow::{bail, Result};
use syn::{spanned::Spanned, Attribute, Fields, Item, ItemStruct, Type};

use crate::{
    find::excerpt,
    source::{Change, Mutant, ON},
};

/// The errors of Anchor's own checks.
const ERRORS: &str = "anchor_lang::error::ErrorCode";

pub fn mutants(file: &str, text: &str) -> Result<Vec<Mutant>> {
    let tree = syn::parse_file(text)?;
    let mut found = Vec::new();
    for item in &tree.items {
        match item {
            Item::Struct(item) if derives_accounts(item) => {
                of_struct(file, text, item, &mut found)?;
            }
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

fn of_struct(file: &str, text: &str, item: &ItemStruct, found: &mut Vec<Mutant>) -> Result<()> {
    let Fields::Named(fields) = &item.fields else {
        return Ok(());
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
        // What Anchor checks through the type is checked by a constraint of an account of any kind.
        let kind = field.ty.span().byte_range();
        let by_type = match generic(&field.ty, text) {
            Some(("Signer", _)) => Some((
                "Signer",
                format!("{ident}.is_signer @ {ERRORS}::AccountNotSigner"),
            )),
            Some(("Program", of)) => {
                let id = format!("<{of} as anchor_lang::Id>::id()");
                Some((
                    "Program",
                    format!(
                        "*{ident}.key == {id} @ {}",
                        differs(ident, &id, &format!("{ERRORS}::InvalidProgramId"))
                    ),
                ))
            }
            _ => None,
        };
        if let Some((name, check)) = by_type {
            let begin = field.vis.span().byte_range().start;
            add(
                format!("any account for {name}"),
                begin..kind.end,
                format!(
                    "#[account(constraint = {ON} || {check})] {}UncheckedAccount<'info>",
                    &text[begin..kind.start]
                ),
            );
        }
        for attribute in &field.attrs {
            let Ok(list) = attribute.meta.require_list() else {
                continue;
            };
            let span = list.tokens.span().byte_range();
            let span = match () {
                () if attribute.path().is_ident("account") => span,
                // Another set of constraints than the IDL's, for the ELF.
                () if attribute.path().is_ident("cfg_attr") => {
                    let of_elf = r#"not(feature = "idl-build"), account("#;
                    if !text[span.clone()].starts_with(of_elf) {
                        continue;
                    }
                    span.start + of_elf.len()..span.end - 1
                }
                () => continue,
            };
            let mut start = span.start;
            for part in split(&text[span]) {
                let begin = start + (part.len() - part.trim_start().len());
                start += part.len() + 1;
                let part = part.trim();
                let new = if part == "mut" {
                    format!("constraint = {ON} || {ident}.is_writable @ {ERRORS}::ConstraintMut")
                } else if let Some(address) = part.strip_prefix("address = ") {
                    let error = format!("{ERRORS}::ConstraintAddress");
                    let (address, error) = address.split_once(" @ ").unwrap_or((address, &error));
                    let error = differs(ident, address, error);
                    format!("constraint = {ON} || *{ident}.key == {address} @ {error}")
                } else {
                    bail!("{file} {}: no mutant is known for `{part}`", item.ident);
                };
                add(
                    format!("without {}", excerpt(part)),
                    begin..begin + part.len(),
                    new,
                );
            }
        }
    }
    Ok(())
}

/// The error with the address that was found and the one that was required, as Anchor logs it.
fn differs(ident: &syn::Ident, address: &str, error: &str) -> String {
    format!("anchor_lang::error::Error::from({error}).with_pubkeys((*{ident}.key, {address}))")
}

/// The name of a type, and the last of what stands in its angle brackets.
fn generic<'a>(kind: &Type, text: &'a str) -> Option<(&'a str, &'a str)> {
    let text = &text[kind.span().byte_range()];
    let (name, inner) = text.strip_suffix('>')?.split_once('<')?;
    Some((name, inner.rsplit(',').next()?.trim()))
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
