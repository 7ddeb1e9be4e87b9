-- What a fleet of a thousand hosts needs.

-- The hosts that those of a zone were told of, by what hosts report to have been told (trust/tickets.ts, trustedDigest): of a
-- host that reports it, only the difference to the present list is sent.
create table peer_list (
  digest text primary key,
  zone_id bigint not null references data_center on delete cascade,
  host_ids uuid[] not null,
  -- When hosts were last told of it.
  told timestamptz not null default now()
);
create index peer_list_zone on peer_list (zone_id, told);

-- What a removal of the row that it refers to looks for.
create index template_spool_ref_parent_copy on template_spool_ref (parent_copy_id) where parent_copy_id is not null;
create index template_spool_ref_fetch_host on template_spool_ref (fetch_host_id) where fetch_host_id is not null;
create index template_spool_ref_given_by on template_spool_ref (parent_host_id) where parent_host_id is not null;
create index download_attempt_host on download_attempt (host_id) where host_id is not null;

-- What lists and sweeps look for.
create index template_spool_ref_state on template_spool_ref (state, id) where state <> 'Ready';
create index image_lineage_template on image_lineage (template_id, created desc);
create index volumes_of_vm on volumes (vm_id);
create index nics_of_vm on nics (vm_id);
create index volumes_account on volumes (account_id) where removed is null;
-- Of machines that are expunged as well: what they name can be removed.
create index vm_instance_of_host on vm_instance (host_id) where host_id is not null;
create index vm_instance_last_host on vm_instance (last_host_id) where last_host_id is not null;
create index vm_instance_wanted_host on vm_instance (wanted_host_id) where wanted_host_id is not null;
create index vm_instance_of_template on vm_instance (template_id);
create index vm_instance_of_iso on vm_instance (iso_id) where iso_id is not null;
create index volumes_pool on volumes (pool_id) where pool_id is not null;
create index volumes_template on volumes (template_id) where template_id is not null;
create index vm_instance_group on vm_instance (instance_group_id) where instance_group_id is not null;
create index vm_instance_user_data on vm_instance (user_data_id) where user_data_id is not null;
create index vm_instance_wanted_cluster on vm_instance (wanted_cluster_id) where wanted_cluster_id is not null;
