//! The mutants of a source file's expressions and statements.

use std::ops::Range;

use syn::{
    parse::Parser, punctuated::Punctuated, spanned::Spanned, visit::Visit, BinOp, Block, Expr,
    ImplItemFn, Item, ItemFn, Macro, ReturnType, Signature, Stmt, Token,
};

use crate::source::{Change, Mutant, Switch};

/// Collects mutants of one file, in the order of the source, outer before inner.
pub struct Finder<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub found: Vec<Mutant>,
    function: String,
    constness: Option<Range<usize>>,
}

pub fn mutants(file: &str, text: &str) -> syn::Result<Vec<Mutant>> {
    let tree = syn::parse_file(text)?;
    let mut finder = Finder {
        file,
        text,
        found: Vec::new(),
        function: String::new(),
        constness: None,
    };
    finder.visit_file(&tree);
    Ok(finder.found)
}

/// The code as it stands, on one line.
pub fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn is_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            is_let(&binary.left) || is_let(&binary.right)
        }
        _ => false,
    }
}

/// Code that is not in the ELF: tests, and what only the host or the IDL's build compiles.
fn is_left_out(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .filter(|a| a.path().is_ident("cfg"))
        .any(|a| {
            let text = quoted(&a.meta);
            ["(test", "idl-build", "not (target_os", "not(target_os"]
                .iter()
                .any(|part| text.contains(part))
                && !text.contains("not (feature")
        })
}

fn quoted(meta: &syn::Meta) -> String {
    match meta {
        syn::Meta::List(list) => format!("({})", list.tokens),
        _ => String::new(),
    }
}

fn returns(signature: &Signature) -> String {
    match &signature.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, kind) => match kind.span().source_text() {
            Some(text) => text.split_whitespace().collect(),
            None => String::new(),
        },
    }
}

fn is_named(expr: &Expr, wanted: &str) -> bool {
    matches!(expr, Expr::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == wanted))
}

impl Finder<'_> {
    fn add(&mut self, kind: &str, span: Range<usize>, shown: Range<usize>, switch: Switch) {
        let line = self.text[..span.start].matches('\n').count() + 1;
        let name = format!(
            "{} {}: {kind}: {}",
            self.file,
            self.function,
            excerpt(&self.text[shown])
        );
        self.found.push(Mutant {
            id: 0,
            name,
            file: self.file.to_owned(),
            line,
            span,
            function: self.function.clone(),
            constness: self.constness.clone(),
            change: Change::Switch(switch),
        });
    }

    fn expr(&mut self, kind: &str, expr: &Expr, switch: Switch) {
        let span = expr.span().byte_range();
        self.add(kind, span.clone(), span, switch);
    }

    fn condition(&mut self, kind: &str, expr: &Expr, switch: Switch) {
        if !is_let(expr) {
            self.expr(kind, expr, switch);
        }
    }

    fn body(&mut self, signature: &Signature, block: &Block, attributes: &[syn::Attribute]) {
        if is_left_out(attributes) {
            return;
        }
        let outer = std::mem::replace(&mut self.function, signature.ident.to_string());
        let constness = signature.constness.map(|word| word.span.byte_range());
        let outer_constness = std::mem::replace(&mut self.constness, constness);
        let kind = returns(signature);
        let span = block.span().byte_range();
        if kind == "bool" {
            for value in ["true", "false"] {
                self.add(
                    &format!("returns {value}"),
                    span.clone(),
                    span.clone(),
                    Switch::Return(value),
                );
            }
        }
        if kind == "Result<()>" || kind == "Result<(),PortcullisError>" {
            if let Some(Stmt::Expr(tail @ (Expr::Call(_) | Expr::MethodCall(_)), None)) =
                block.stmts.last()
            {
                if !matches!(tail, Expr::Call(call) if is_named(&call.func, "Ok") || is_named(&call.func, "Err"))
                {
                    self.expr("never refuses", tail, Switch::Allow);
                }
            }
        }
        self.visit_block(block);
        self.function = outer;
        self.constness = outer_constness;
    }

    /// The condition of `require`, macro or function.
    fn rule(&mut self, condition: &Expr) {
        self.condition("always holds", condition, Switch::Always);
        self.visit_expr(condition);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Const(_) | Item::Static(_) | Item::Macro(_) | Item::Enum(_) | Item::Struct(_) => {
            }
            Item::Mod(module) if is_left_out(&module.attrs) => {}
            Item::Impl(block) if is_left_out(&block.attrs) => {}
            _ => syn::visit::visit_item(self, item),
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.body(&item.sig, &item.block, &item.attrs);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.body(&item.sig, &item.block, &item.attrs);
    }

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}

    fn visit_macro(&mut self, item: &'ast Macro) {
        if item.path.is_ident("require") {
            let parsed =
                Punctuated::<Expr, Token![,]>::parse_terminated.parse2(item.tokens.clone());
            if let Some(condition) = parsed.ok().as_ref().and_then(|p| p.first()) {
                self.rule(condition);
            }
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expr, Some(end)) = statement {
            let effect = match expr {
                Expr::Try(inner) => {
                    !matches!(&*inner.expr, Expr::Call(call) if is_named(&call.func, "require"))
                }
                Expr::Binary(binary) => binary
                    .op
                    .span()
                    .source_text()
                    .is_some_and(|op| op.ends_with('=')),
                Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => true,
                _ => false,
            };
            if effect {
                let span = expr.span().byte_range();
                self.add(
                    "left out",
                    span.start..end.span().byte_range().end,
                    span,
                    Switch::Skip,
                );
            }
        }
        syn::visit::visit_stmt(self, statement);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.condition("guard never holds", guard, Switch::Never);
            self.condition("guard always holds", guard, Switch::Always);
        }
        if matches!(&*arm.body, Expr::Call(call) if is_named(&call.func, "Err")) {
            self.expr("arm does not refuse", &arm.body, Switch::Allow);
        }
        syn::visit::visit_arm(self, arm);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::If(item) => {
                self.condition("if never", &item.cond, Switch::Never);
                self.condition("if always", &item.cond, Switch::Always);
            }
            Expr::Binary(item) => {
                let operator = item.op.span().byte_range();
                let function = match item.op {
                    BinOp::And(_) => {
                        self.condition("part always holds", &item.left, Switch::Always);
                        self.condition("part always holds", &item.right, Switch::Always);
                        None
                    }
                    BinOp::Or(_) => {
                        self.condition("part never holds", &item.left, Switch::Never);
                        self.condition("part never holds", &item.right, Switch::Never);
                        None
                    }
                    BinOp::Lt(_) => Some(("lt", "<=")),
                    BinOp::Le(_) => Some(("le", "<")),
                    BinOp::Gt(_) => Some(("gt", ">=")),
                    BinOp::Ge(_) => Some(("ge", ">")),
                    BinOp::Eq(_) => Some(("eq", "!=")),
                    BinOp::Ne(_) => Some(("ne", "==")),
                    BinOp::Add(_) => Some(("add", "-")),
                    BinOp::Sub(_) => Some(("sub", "+")),
                    _ => None,
                };
                if let Some((function, other)) = function {
                    self.expr(
                        &format!("with {other}"),
                        expr,
                        Switch::Operator(function, operator),
                    );
                }
            }
            Expr::Call(call) if is_named(&call.func, "require") => {
                if let Some(condition) = call.args.first() {
                    self.rule(condition);
                    return;
                }
            }
            Expr::MethodCall(call)
                if call.args.len() == 1 && (call.method == "min" || call.method == "max") =>
            {
                let function = if call.method == "min" { "min" } else { "max" };
                let place = call.dot_token.span().byte_range().start
                    ..call.paren_token.span.open().byte_range().end;
                self.expr(
                    &format!("not {function}"),
                    expr,
                    Switch::Extreme(function, place),
                );
            }
            Expr::Path(path)
                if path
                    .path
                    .segments
                    .last()
                    .is_some_and(|s| s.ident.to_string().starts_with("ROLE_")) =>
            {
                self.expr("no role", expr, Switch::NoRole);
            }
            Expr::Const(_) | Expr::Repeat(_) => return,
            _ => {}
        }
        syn::visit::visit_expr(self, expr);
    }
}
