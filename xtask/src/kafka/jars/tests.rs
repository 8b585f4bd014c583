//! The version line of the Java distributions in use.

use super::java_major;

#[test]
fn java_version_is_read_from_every_vendors_first_line() {
    assert_eq!(java_major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment"), Some(17));
    assert_eq!(java_major("java version \"21\" 2023-09-19 LTS"), Some(21));
    assert_eq!(java_major("openjdk version \"25-ea\" 2025-09-16"), Some(25));
    assert_eq!(java_major("java version \"1.8.0_401\""), Some(1));
    assert_eq!(java_major("command not found"), None);
}
