//! The settings: whether they make sense, and which of them won.

use directory_wiring::{
    DatabaseUrl, KeySource, ServerArgs, Settings, SettingsArgs, SettingsError, ToldSetting, error_line,
};

use super::report::Report;

const NAME: &str = "settings";

/// Those of the server are judged too: the programs share the environment and the file.
pub(super) fn check(report: &mut Report, args: &SettingsArgs) -> Option<Settings> {
    let server = ServerArgs { common: args.clone(), ..ServerArgs::default() };
    match server.resolve().and_then(|resolved| Ok((resolved.common, args.told()?))) {
        Ok((settings, told)) => {
            report.ok(NAME, found(&settings, &told));
            Some(settings)
        }
        Err(error) => {
            report.fail(
                NAME,
                complaint(error),
                "mend the setting; nothing else was looked at, since it depends on them",
            );
            None
        }
    }
}

fn complaint(error: SettingsError) -> String {
    error_line(&error.into())
}

/// What is set and where, then what follows from what is not.
fn found(settings: &Settings, told: &[ToldSetting]) -> String {
    let mut parts: Vec<String> = told.iter().map(|one| format!("{}: {}", one.origin, one.value)).collect();
    if let (DatabaseUrl::Sqlite(path), false) =
        (&settings.database_url, told.iter().any(|one| one.key == "database_url"))
    {
        parts.push(format!("the database by default: sqlite://{}", path.display()));
    }
    if let KeySource::MadeOnFirstUse { path, .. } = &settings.keys {
        parts.push(format!("the keys by default: {}", path.display()));
    }
    parts.join("; ")
}
