//! Which crate may depend on what.
//!
//! In: one `crates/*/Cargo.toml`. Out: findings of the rules `arrow`, `owner`, `version`, and `pure` for dependencies.
//! Normal and build dependencies are production, whatever the target they are for.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml::de::{DeTable, DeValue};

use super::{CRATES, Crate, FOR_FEATURES, Finding, Kind, OWNERS, PURE_MAY_USE, Rule, crate_of, row};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Production,
    Development,
}

struct Dependency<'a> {
    name: &'a str,
    line: usize,
    used_in: Use,
    from_workspace: bool,
}

pub(super) fn check(file: &Path, text: &str) -> Result<Vec<Finding>> {
    let Some(folder) = crate_of(file).filter(|folder| file == Path::new("crates").join(folder).join("Cargo.toml"))
    else {
        return Ok(Vec::new());
    };
    let manifest = DeTable::parse(text).with_context(|| format!("{} is not TOML", file.display()))?;
    let manifest = manifest.get_ref();
    let mut findings = Vec::new();
    let mut add = |line, rule, what: String, remedy: String| {
        findings.push(Finding { file: file.to_owned(), line, rule, what, remedy });
    };

    let Some((place, this)) = row(folder) else {
        let what = format!("crate `{folder}` is not part of the architecture");
        add(
            1,
            Rule::Arrow,
            what,
            "give it a row in CRATES of xtask/src/tidy.rs, or put its code where it belongs".to_owned(),
        );
        return Ok(findings);
    };
    let package = manifest.get("package").and_then(|package| table(package.get_ref())?.get("name"));
    let name = package.and_then(|name| name.get_ref().as_str());
    if name != Some(package_name(folder).as_str()) {
        let what = format!("package `{}` lies in crates/{folder}", name.unwrap_or_default());
        add(1, Rule::Name, what, format!("name it `{}`", package_name(folder)));
    }

    for dependency in dependencies(manifest, text) {
        let Dependency { name, line, used_in, from_workspace } = dependency;
        if !from_workspace {
            let what = format!("`{name}` has its own version or path");
            add(
                line,
                Rule::Version,
                what,
                format!("write `{name}.workspace = true` and name it in the root Cargo.toml"),
            );
        }
        let ours = CRATES.iter().enumerate().find(|(_, row)| package_name(row.folder) == name);
        if let Some((target_place, target)) = ours {
            if let Err(allowed) = arrow(place, this, target_place, target, used_in) {
                let what = format!("`{folder}` may not use `{}`", target.folder);
                add(line, Rule::Arrow, what, format!("allowed: {allowed} (CRATES in xtask/src/tidy.rs)"));
            }
            continue;
        }
        if used_in == Use::Development || FOR_FEATURES.contains(&(name, folder)) {
            continue;
        }
        if let Some((_, owner)) = OWNERS.iter().find(|(heavy, owner)| *heavy == name && *owner != folder) {
            let what = format!("`{name}` belongs to crate `{owner}`");
            add(
                line,
                Rule::Owner,
                what,
                format!("use what `{owner}` offers, or let it offer more (OWNERS in xtask/src/tidy.rs)"),
            );
        } else if this.kind == Kind::Pure && !PURE_MAY_USE.contains(&name) {
            let what = format!("pure crate `{folder}` uses `{name}`");
            let remedy =
                "if it does no I/O, reads no clock and keeps no globals, add it to PURE_MAY_USE of xtask/src/tidy.rs";
            add(line, Rule::Pure, what, remedy.to_owned());
        }
    }
    Ok(findings)
}

/// Whether the arrow is allowed; otherwise what is, in words.
fn arrow(place: usize, this: &Crate, target_place: usize, target: &Crate, used_in: Use) -> Result<(), String> {
    let allowed: Vec<&str> = match used_in {
        Use::Production => this.may_use.to_vec(),
        Use::Development => {
            let above = CRATES[..place].iter().map(|row| row.folder);
            above.chain(CRATES.iter().filter(|row| row.kind == Kind::Dev).map(|row| row.folder)).collect()
        }
    };
    let upward = used_in == Use::Production && target_place >= place;
    if !upward && allowed.contains(&target.folder) {
        return Ok(());
    }
    Err(if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") })
}

fn package_name(folder: &str) -> String {
    crate::workspace::package(folder)
}

/// Every dependency of a manifest, those for particular targets included.
fn dependencies<'a>(manifest: &'a DeTable<'a>, text: &str) -> Vec<Dependency<'a>> {
    let mut scopes = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(|targets| table(targets.get_ref())) {
        scopes.extend(targets.values().filter_map(|scope| table(scope.get_ref())));
    }
    let mut found = Vec::new();
    for scope in scopes {
        for (kind, used_in) in [
            ("dependencies", Use::Production),
            ("build-dependencies", Use::Production),
            ("dev-dependencies", Use::Development),
        ] {
            let Some(list) = scope.get(kind).and_then(|list| table(list.get_ref())) else { continue };
            for (key, value) in list {
                let settings = table(value.get_ref());
                let setting =
                    |name: &str| settings.and_then(|settings| settings.get(name)).map(|value| value.get_ref());
                found.push(Dependency {
                    // `alias = { package = "real" }` hides the real name.
                    name: setting("package").and_then(|name| name.as_str()).unwrap_or(key.get_ref()),
                    line: text[..key.span().start].matches('\n').count() + 1,
                    used_in,
                    from_workspace: setting("workspace").and_then(|value| value.as_bool()) == Some(true),
                });
            }
        }
    }
    found
}

fn table<'a>(value: &'a DeValue<'a>) -> Option<&'a DeTable<'a>> {
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}
