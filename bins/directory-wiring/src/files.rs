//! Files and folders that are their owner's only.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use zeroize::Zeroizing;

use crate::SettingsError;

/// The bits that let anybody but the owner do anything.
const OTHERS: u32 = 0o077;

/// Far more than any settings or key file needs; a device named by mistake ends here.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A text file's content, and whether anybody but its owner may open it. The mode is the opened file's, so that nobody can
/// exchange the file in between.
pub(crate) struct ReadFile {
    /// The content.
    pub(crate) text: Zeroizing<String>,
    /// Whether the mode has any bit for group or others.
    pub(crate) open_to_others: bool,
}

/// Reads a whole text file.
pub(crate) fn read(path: &Path) -> io::Result<ReadFile> {
    let file = File::open(path)?;
    let open_to_others = file.metadata()?.permissions().mode() & OTHERS != 0;
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
    Ok(ReadFile { text, open_to_others })
}

/// The folder of a file, `.` where it has none.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the folder of a file, with those above it, for its owner only. A folder that is there stays as it is.
pub(crate) fn make_private_folder_of(path: &Path) -> Result<(), SettingsError> {
    let folder = folder_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| SettingsError::Unmakable { path: folder.to_owned(), source })
}

/// Makes an empty file for its owner only. A file that is there stays as it is.
pub(crate) fn make_private_file(path: &Path) -> Result<(), SettingsError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(SettingsError::Unmakable { path: path.to_owned(), source }),
    }
}
