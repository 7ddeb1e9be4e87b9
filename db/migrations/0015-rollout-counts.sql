-- Lists of roll-outs count their copies without a look at these.
create index async_job_copy_counted on async_job_copy (job_id) include (settled, turn);
create index async_job_copy_unready on async_job_copy (job_id, error_kind) where error_str is not null;
