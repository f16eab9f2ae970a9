//! The memory that all RocksDB instances of a process share: one number each for the operator to set.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, Options, WriteBufferManager};

/// Sizes of what is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceSizes {
    /// Blocks, indexes and filters read from disk, of all tasks together.
    pub block_cache_bytes: usize,
    /// Writes that are not yet on disk, of all tasks together; when it is full, flushes start.
    pub write_buffer_bytes: usize,
    /// Entries that are read again, of all tasks together: each task is given its share
    /// ([`crate::TaskStorage::set_read_cache_bytes`]).
    pub read_cache_bytes: usize,
    /// Threads of RocksDB that flush and compact.
    pub background_jobs: i32,
}

/// Enough for some million small entries per process.
const DEFAULT_BYTES: usize = 256 << 20;

impl ResourceSizes {
    /// `bytes` in all: half of them for blocks, a quarter for writes, a quarter for entries that are read again.
    pub fn within(bytes: usize) -> Self {
        let quarter = bytes / 4;
        Self {
            block_cache_bytes: 2 * quarter,
            write_buffer_bytes: quarter,
            read_cache_bytes: quarter,
            background_jobs: 2,
        }
    }
}

impl Default for ResourceSizes {
    /// Within 256 MiB.
    fn default() -> Self {
        Self::within(DEFAULT_BYTES)
    }
}

/// One block cache and one write-buffer manager for all tasks of a process. Clones share them.
#[derive(Clone)]
pub struct SharedResources {
    cache: Cache,
    write_buffers: WriteBufferManager,
    sizes: ResourceSizes,
}

impl Default for SharedResources {
    fn default() -> Self {
        Self::new(ResourceSizes::default())
    }
}

/// Bits per key of the filters: 1 % of look-ups for absent keys read a block in vain.
const FILTER_BITS_PER_KEY: f64 = 10.0;
/// A memtable larger than that is flushed even if the process's budget is not used up.
const MEMTABLE_BYTES: usize = 32 << 20;
/// Step in which a memtable takes memory. RocksDB's default, 1 MiB, would use the budget up on tables of a few entries.
const ARENA_BLOCK_BYTES: usize = 64 << 10;
/// Log files of RocksDB itself kept per task.
const LOG_FILES: usize = 2;

impl SharedResources {
    /// Allocates nothing yet: the sizes are bounds.
    pub fn new(sizes: ResourceSizes) -> Self {
        let cache = Cache::new_lru_cache(sizes.block_cache_bytes);
        // No stalls: a full budget starts flushes; a stalled write would hold up the stream thread and its transaction.
        let write_buffers = WriteBufferManager::new_write_buffer_manager(sizes.write_buffer_bytes, false);
        Self { cache, write_buffers, sizes }
    }

    /// The sizes it was made with.
    pub fn sizes(&self) -> ResourceSizes {
        self.sizes
    }

    /// Bytes in use: (block cache, write buffers).
    pub fn usage_bytes(&self) -> (usize, usize) {
        (self.cache.get_usage(), self.write_buffers.get_usage())
    }

    /// Options of a task's database.
    pub(super) fn database_options(&self) -> Options {
        let mut options = self.table_options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        // Without a log, only a flush of all families at the same point keeps data and offsets together.
        options.set_atomic_flush(true);
        options.set_write_buffer_manager(&self.write_buffers);
        options.set_max_background_jobs(self.sizes.background_jobs);
        options.set_keep_log_file_num(LOG_FILES);
        options.set_stats_dump_period_sec(0);
        options
    }

    /// Options of one table (column family).
    pub(super) fn table_options(&self) -> Options {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&self.cache);
        blocks.set_bloom_filter(FILTER_BITS_PER_KEY, false);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_write_buffer_size(MEMTABLE_BYTES);
        options.set_arena_block_size(ARENA_BLOCK_BYTES);
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_state_may_take_in_memory_is_shared_out_and_not_more() {
        let sizes = ResourceSizes::within(96 << 20);
        let parts = [sizes.block_cache_bytes, sizes.write_buffer_bytes, sizes.read_cache_bytes];
        assert_eq!(parts, [48 << 20, 24 << 20, 24 << 20]);
    }
}
