//! Of which cluster addresses are.

use super::one_cluster;

fn found(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(address, cluster)| ((*address).to_owned(), (*cluster).to_owned())).collect()
}

#[test]
fn addresses_of_two_clusters_are_refused_by_name() {
    let mixed = found(&[("one:9092", "red"), ("two:9092", "red"), ("three:9092", "blue")]);
    let said = one_cluster(&mixed).expect_err("refused").to_string();
    for part in ["brokers", "one:9092", "red", "three:9092", "blue"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn addresses_of_one_cluster_and_none_that_answers_are_taken() {
    assert!(one_cluster(&found(&[("one:9092", "red"), ("two:9092", "red")])).is_ok());
    assert!(one_cluster(&[]).is_ok());
}
