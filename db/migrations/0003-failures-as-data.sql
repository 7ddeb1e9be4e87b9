-- What failed, as one word, and the host that it is about, beside sentences that name no host: only administrators see hosts.
-- A host is {"id": UUID, "name": TEXT}; its name is kept, since hosts can be deleted.

alter table template_spool_ref add column error_kind text, add column error_host jsonb;
alter table async_job_copy add column error_kind text, add column error_host jsonb;
alter table event add column host jsonb;
