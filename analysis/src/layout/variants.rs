//! The variants of two enums.

use super::{
    align::{align, Listed, Step},
    types::{Place, Types, Use},
    Change, Rule, Verdict,
};
use crate::idl::schema::{Fields, Repr, Schema, VariantDef};

impl Types<'_> {
    pub(super) fn variants(&mut self, old: &[VariantDef], new: &[VariantDef], place: &Place) {
        let named = |list: &[VariantDef], at: usize| {
            list.get(at)
                .map_or_else(String::new, |one| one.name.to_string())
        };
        for step in align(&listed(self.old, old), &listed(self.new, new)) {
            match step {
                Step::Kept(a, b) | Step::Renamed(a, b) | Step::Moved(a, b) => {
                    let (Some(was), Some(is)) = (old.get(a), new.get(b)) else {
                        continue;
                    };
                    let mut below = place.below(&format!("::{}", was.name), true);
                    below.in_variant = true;
                    let path = &below.path;
                    let change = match step {
                        Step::Renamed(..) => {
                            let rule = Rule::VariantRenamed;
                            Some(Change::renamed(rule, path, &was.name, &is.name))
                        }
                        Step::Moved(..) => Some(Change::new(Rule::VariantMoved, path)),
                        // Something before it came or went, which is told there.
                        _ => None,
                    };
                    if let Some(change) = change {
                        let numbered =
                            (format!("{} = {a}", was.name), format!("{} = {b}", is.name));
                        self.report.add(change.between(numbered.0, numbered.1));
                    }
                    let plain = (Repr::default(), Repr::default());
                    self.fields(&was.fields, &is.fields, plain, &below, false);
                }
                Step::Removed(a) => {
                    let path = place.below(&format!("::{}", named(old, a)), false).path;
                    self.report.plain(Rule::VariantRemoved, path);
                }
                Step::Inserted(b) => {
                    let path = place.below(&format!("::{}", named(new, b)), false).path;
                    self.report.plain(Rule::VariantInserted, path);
                }
                Step::Appended(b) => {
                    let path = place.below(&format!("::{}", named(new, b)), false).path;
                    let change = Change::new(Rule::VariantAppended, path);
                    self.report.add(match self.purpose {
                        Use::Event => change.judged(
                            Verdict::Breaking,
                            "readers of the old layout do not know its number",
                        ),
                        _ => change,
                    });
                }
            }
        }
    }
}

fn listed(schema: &Schema, variants: &[VariantDef]) -> Vec<Listed> {
    let listed = variants.iter().map(|variant| Listed {
        name: variant.name.to_string(),
        content: shape(schema, &variant.fields),
    });
    listed.collect()
}

fn shape(schema: &Schema, fields: &Fields) -> String {
    let types = fields.list.iter().map(|field| schema.describe(&field.ty));
    types.collect::<Vec<_>>().join(", ")
}
