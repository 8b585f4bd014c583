//! The hash against Kafka's own vectors.

use super::*;

#[test]
fn hashes_equal_those_of_kafkas_own_tests() {
    // Source: Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
    const VECTORS: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    for (key, hash) in VECTORS {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
    }
}

#[test]
fn a_negative_hash_still_gives_a_partition() {
    // toPositive(-973932308) = 1173551340; 1173551340 % 7 = 4.
    assert_eq!(partition_of(b"21", 7), 1_173_551_340 % 7);
    assert_eq!(partition_of(b"21", 1), 0);
}
