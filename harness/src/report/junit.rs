//! Policy tests as JUnit XML, the form that CI systems read.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary;
use crate::policy_test::{Status, Suite};

/// The report: a suite for each test file, a case for each test.
///
/// # Errors
/// What the XML writer says.
pub fn report(suite: &Suite) -> Result<String, String> {
    let mut report = Report::new("tidegate");
    for file in &suite.files {
        let name = file.path.display().to_string();
        let mut cases = TestSuite::new(name.clone());
        for test in &file.tests {
            let status = match &test.status {
                Status::Passed => TestCaseStatus::success(),
                Status::Skipped(why) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(why.clone());
                    status
                }
                Status::Failed(failures) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    let first = failures.first().map(summary::headline).unwrap_or_default();
                    let told: Vec<String> = failures.iter().map(summary::failure).collect();
                    status.set_type("policy").set_message(first).set_description(told.join("\n"));
                    status
                }
            };
            let mut case = TestCase::new(test.name.clone(), status);
            case.set_classname(name.clone()).set_time(test.took);
            case.extra.insert("line".into(), test.place.0.to_string().into());
            cases.add_test_case(case);
        }
        report.add_test_suite(cases);
    }
    report.to_string().map_err(|error| error.to_string())
}
