-- Indexes with which no statement reads a table of a big fleet from its first row to its last (test/db/scans.test.ts).

-- Counts of lists read these instead of the rows.
create index template_spool_ref_counted on template_spool_ref (pool_id, template_id) include (state, physical_size);
drop index template_spool_ref_pool;
create index async_job_cmd on async_job (job_cmd, id);
create index async_job_created on async_job (created);
create index async_job_status on async_job (job_status);
create index async_job_type on async_job (instance_type);
create index event_counted on event (type, level, state, account_id, resource_type, created);
create index vm_instance_counted on vm_instance (account_id, state)
  include (id, data_center_id, host_id, power_state, service_offering_id, user_id, name, display_name, ha_enabled, display_vm)
  where removed is null;
drop index vm_instance_account;
create index volumes_counted on volumes (account_id, state)
  include (id, data_center_id, pool_id, vm_id, volume_type, disk_offering_id, template_id, name)
  where removed is null;
drop index volumes_account;

create index storage_pool_file_listed on storage_pool_file (pool_id, name, finding, id);

-- The orders of lists.
create index vm_template_name on vm_template (name, id);
create index storage_pool_name on storage_pool (name, id);
create index storage_pool_zone on storage_pool (data_center_id, id);
create index template_spool_ref_by_state on template_spool_ref (state, id);
drop index template_spool_ref_state;
create index template_spool_ref_changed on template_spool_ref (last_updated, id);
create index vm_instance_name on vm_instance (name, id) where removed is null;
create index vm_instance_keypairs on vm_instance using gin (keypair_names) where removed is null;
create index volumes_name on volumes (name) where removed is null;

-- Tags of machines, by what is asked for and in the order of their list.
create index vm_tag_key on vm_tag (key, value);
create index vm_tag_created on vm_tag (created, id);
create index resource_tag_created on resource_tag (created, id);

-- What sweeps look for.
create index template_spool_ref_due on template_spool_ref (pool_id, verified) where state = 'Ready' and error_kind is null;
drop index template_spool_ref_verified;
create index vm_instance_leaving on vm_instance (updated, id) where state in ('Destroyed', 'Expunging') and removed is null;
drop index vm_instance_destroyed;
create index vm_instance_failed on vm_instance (updated) where state = 'Error' and host_id is not null and removed is null;
create index async_job_copy_stopping on async_job_copy (job_id) where turn = 'stopping';
create index call_count_ended on call_count (window_ends);
create index session_used on session (last_used);

-- Searches for a part of a text, where PostgreSQL has its module for it; without it, such a search reads all rows.
do $$
begin
  create extension if not exists pg_trgm;
  create index event_words on event using gin (description gin_trgm_ops);
exception when others then
  raise notice 'searches in events read all of them, since pg_trgm cannot be had: %', sqlerrm;
end $$;
