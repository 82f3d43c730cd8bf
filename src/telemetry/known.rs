//! Metrics that are known: which registry they are of, and what they are called in reports.

use super::record::{Product, SeriesKind, Unit};

/// When the process began, in seconds since 1970.
pub(super) const START_TIME: &str = "process_start_time_seconds";

/// A common word, and the metrics that it is made of.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) word: &'static str,
    pub(super) unit: Unit,
    pub(super) kind: SeriesKind,
    /// Metrics with their factors; all of them are needed. One or two.
    pub(super) terms: &'static [(Selected, f64)],
}

/// The samples of a metric that have these labels, added up.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) name: &'static str,
    pub(super) labels: &'static [(&'static str, &'static str)],
}

impl Common {
    /// Returns the value, if all of its metrics are there.
    pub(super) fn value(&self, sums: [Option<f64>; 2]) -> Option<f64> {
        let mut value = 0.0;
        for ((_, factor), sum) in self.terms.iter().zip(sums) {
            value += factor * sum?;
        }
        Some(value)
    }
}

const fn all(name: &'static str) -> Selected {
    Selected { name, labels: &[] }
}

const fn with(name: &'static str, labels: &'static [(&'static str, &'static str)]) -> Selected {
    Selected { name, labels }
}

const fn gauge(word: &'static str, unit: Unit, terms: &'static [(Selected, f64)]) -> Common {
    Common {
        word,
        unit,
        kind: SeriesKind::Gauge,
        terms,
    }
}

const fn counter(word: &'static str, unit: Unit, terms: &'static [(Selected, f64)]) -> Common {
    Common {
        word,
        unit,
        kind: SeriesKind::Counter,
        terms,
    }
}

/// The common words. Where several rows have one word, the first counts whose metrics are there.
pub(super) const COMMON: &[Common] = &[
    // The clients of Prometheus for Go, Python and Java, whatever the product.
    counter(
        "cpu",
        Unit::Seconds,
        &[(all("process_cpu_seconds_total"), 1.0)],
    ),
    gauge(
        "memory",
        Unit::Bytes,
        &[(all("process_resident_memory_bytes"), 1.0)],
    ),
    gauge("open_files", Unit::Plain, &[(all("process_open_fds"), 1.0)]),
    gauge("goroutines", Unit::Plain, &[(all("go_goroutines"), 1.0)]),
    gauge("threads", Unit::Plain, &[(all("go_threads"), 1.0)]),
    gauge(
        "heap",
        Unit::Bytes,
        &[(all("go_memstats_heap_inuse_bytes"), 1.0)],
    ),
    counter(
        "gc_pause",
        Unit::Seconds,
        &[(all("go_gc_duration_seconds_sum"), 1.0)],
    ),
    // Distribution 2.8 and 3, what Harbor runs of it, and GitLab, which began as it.
    gauge(
        "requests_in_flight",
        Unit::Plain,
        &[(all("registry_http_in_flight_requests"), 1.0)],
    ),
    counter(
        "storage_time",
        Unit::Seconds,
        &[(all("registry_storage_action_seconds_sum"), 1.0)],
    ),
    counter(
        "storage_operations",
        Unit::Plain,
        &[(all("registry_storage_action_seconds_count"), 1.0)],
    ),
    counter(
        "cache_hits",
        Unit::Plain,
        &[(all("registry_storage_cache_hits_total"), 1.0)],
    ),
    counter(
        "cache_misses",
        Unit::Plain,
        &[
            (all("registry_storage_cache_requests_total"), 1.0),
            (all("registry_storage_cache_hits_total"), -1.0),
        ],
    ),
    counter(
        "cache_hits",
        Unit::Plain,
        &[(
            with("registry_storage_cache_total", &[("type", "Hit")]),
            1.0,
        )],
    ),
    counter(
        "cache_misses",
        Unit::Plain,
        &[(
            with("registry_storage_cache_total", &[("type", "Miss")]),
            1.0,
        )],
    ),
    counter(
        "proxy_hits",
        Unit::Plain,
        &[(all("registry_proxy_hits_total"), 1.0)],
    ),
    counter(
        "proxy_misses",
        Unit::Plain,
        &[(all("registry_proxy_misses_total"), 1.0)],
    ),
    counter(
        "cache_hits",
        Unit::Plain,
        &[(
            with(
                "registry_storage_urlcache_requests_total",
                &[("result", "hit")],
            ),
            1.0,
        )],
    ),
    counter(
        "cache_misses",
        Unit::Plain,
        &[(
            with(
                "registry_storage_urlcache_requests_total",
                &[("result", "miss")],
            ),
            1.0,
        )],
    ),
    counter(
        "database_time",
        Unit::Seconds,
        &[(all("registry_database_query_duration_seconds_sum"), 1.0)],
    ),
    // Harbor's core.
    gauge(
        "requests_in_flight",
        Unit::Plain,
        &[(all("harbor_core_http_inflight_requests"), 1.0)],
    ),
    // Artifactory.
    counter(
        "cpu",
        Unit::Seconds,
        &[(all("sys_cpu_totaltime_seconds"), 1.0)],
    ),
    gauge(
        "heap",
        Unit::Bytes,
        &[
            (all("jfrt_runtime_heap_totalmemory_bytes"), 1.0),
            (all("jfrt_runtime_heap_freememory_bytes"), -1.0),
        ],
    ),
    // Nexus: metrics of Dropwizard.
    gauge("heap", Unit::Bytes, &[(all("jvm_memory_heap_used"), 1.0)]),
    gauge(
        "threads",
        Unit::Plain,
        &[(all("jvm_thread_states_count"), 1.0)],
    ),
    // The client of Prometheus for Java.
    gauge("threads", Unit::Plain, &[(all("jvm_threads_current"), 1.0)]),
    gauge(
        "heap",
        Unit::Bytes,
        &[(with("jvm_memory_bytes_used", &[("area", "heap")]), 1.0)],
    ),
    gauge(
        "heap",
        Unit::Bytes,
        &[(with("jvm_memory_used_bytes", &[("area", "heap")]), 1.0)],
    ),
    counter(
        "gc_pause",
        Unit::Seconds,
        &[(all("jvm_gc_collection_seconds_sum"), 1.0)],
    ),
];

/// How the metrics of registries begin. A later one that is found counts more: GitLab and Harbor have metrics of Distribution, too.
const PRODUCTS: [(&str, Product); 11] = [
    ("registry_http_", Product::Distribution),
    ("registry_storage_", Product::Distribution),
    ("zot_", Product::Zot),
    ("quay_", Product::Quay),
    ("harbor_", Product::Harbor),
    ("registry_database_", Product::Gitlab),
    ("registry_gc_", Product::Gitlab),
    ("registry_storage_cdn_", Product::Gitlab),
    ("registry_storage_blob_", Product::Gitlab),
    ("org_sonatype_nexus_", Product::Nexus),
    ("jfrt_", Product::Artifactory),
];

/// Returns which registry has a metric of that name, and how much that counts.
pub(super) fn product(name: &str) -> Option<(usize, Product)> {
    let begins = |(_, (prefix, _)): &(usize, &(&str, Product))| name.starts_with(prefix);
    let found = PRODUCTS.iter().enumerate().rfind(begins)?;
    Some((found.0, found.1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_has_two_units() {
        for one in COMMON {
            assert!((1..=2).contains(&one.terms.len()), "{}", one.word);
            for other in COMMON.iter().filter(|it| it.word == one.word) {
                assert_eq!(
                    (one.unit, one.kind),
                    (other.unit, other.kind),
                    "{}",
                    one.word
                );
            }
        }
    }

    #[test]
    fn gitlab_is_told_from_what_it_began_as() {
        let of = |name| product(name).map(|(_, it)| it);
        assert_eq!(
            of("registry_storage_action_seconds"),
            Some(Product::Distribution)
        );
        assert_eq!(
            of("registry_storage_blob_upload_bytes"),
            Some(Product::Gitlab)
        );
        assert_eq!(of("go_goroutines"), None);
        assert!(product("registry_gc_runs_total") > product("registry_http_requests_total"));
    }
}
