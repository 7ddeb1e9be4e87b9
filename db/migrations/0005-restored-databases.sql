-- How often upkeep has swept. Upkeep remembers the number in Temporal: a smaller one here means that the database was restored.
create table upkeep_sweep (
  count bigint not null
);
insert into upkeep_sweep values (0);

-- Domains of machines on hosts that should not have them, as those hosts reported last. Such a machine is not started.
create table stray_domain (
  vm_uuid uuid not null,
  host_id bigint not null references host on delete cascade,
  primary key (vm_uuid, host_id)
);
create index stray_domain_host on stray_domain (host_id);
