//! Cloud providers.

use super::{Detector, Form, Group, Segment};
use crate::secret::verify::class;

pub(super) const DETECTORS: &[Detector] = &[Detector {
    name: "aws-access-key-id",
    group: Group::Cloud,
    literals: &["AKIA", "ASIA", "ABIA", "ACCA"],
    folds: false,
    form: Form::Token(&[Segment::Run(class::BASE32, 16, 16)]),
    entropy: 25,
    passes: &["AKIAIOSFODNN7EXAMPLE"],
}];
