//! Global tables in a topology: topics that every instance reads whole.

use super::StoreInfo;
use crate::broker::RawRecord;
use crate::serde::SerdeError;
use std::sync::Arc;

/// Decodes a record as the table's readers will, and tells its event time; negative: to be dropped.
pub(crate) type GlobalCheck = Arc<dyn Fn(&RawRecord) -> Result<i64, SerdeError> + Send + Sync>;

/// One global table.
#[derive(Clone)]
pub(crate) struct GlobalSource {
    pub topic: String,
    pub store: StoreInfo,
    pub check: GlobalCheck,
}
