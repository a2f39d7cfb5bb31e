//! The public host names of AWS, as the SDK's endpoint rules have them; a test of the courier compares.

use crate::name::Bucket;

/// What a region's name begins with → what its hosts end with, and its hosts that have IPv6 too.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("", "amazonaws.com", "api.aws"),
];

/// The host of `service` (`sts`, `kms`) in `region`.
pub(crate) fn host(service: &str, region: &str, dual_stack: bool) -> String {
    let (plain, dual) = suffixes(region);
    format!("{service}.{region}.{}", if dual_stack { dual } else { plain })
}

/// The host of a bucket in `region`. One with a dot in its name is part of the path instead: no
/// certificate fits it.
pub(crate) fn bucket_host(bucket: &Bucket, region: &str, dual_stack: bool) -> String {
    let s3 = if dual_stack { "s3.dualstack" } else { "s3" };
    let host = format!("{s3}.{region}.{}", suffixes(region).0);
    let bucket = bucket.as_str();
    if bucket.contains('.') { host } else { format!("{bucket}.{host}") }
}

fn suffixes(region: &str) -> (&'static str, &'static str) {
    let of = |(begin, ..): &&(&str, &str, &str)| region.starts_with(begin);
    PARTITIONS.iter().find(of).map_or(("", ""), |(_, plain, dual)| (plain, dual))
}
