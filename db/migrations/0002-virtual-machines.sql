-- Virtual machines: what they are made of (offerings, networks, keys, user data), the machines with their disks and
-- network cards, and what hosts report of their hypervisor. Tables and columns have CloudStack's names where it has them.
-- Columns named *_sealed hold text encrypted with the master key (trust/at-rest.ts). Sizes are bytes unless a unit is
-- named.


-- Limits of accounts; null: no limit.

alter table account
  add column user_vm_limit integer check (user_vm_limit >= 0),
  add column cpu_limit integer check (cpu_limit >= 0),
  -- Megabytes.
  add column memory_limit integer check (memory_limit >= 0),
  add column volume_limit integer check (volume_limit >= 0),
  -- Gigabytes (2^30 bytes), as CloudStack counts them in limits.
  add column primary_storage_limit integer check (primary_storage_limit >= 0);


-- What a host reports of its hypervisor (model/vms.ts, HypervisorReport); null: it reports none.

alter table host
  add column hypervisor jsonb,
  -- When the host's domains were compared with the rows of its virtual machines last.
  add column domains_reported timestamptz;


-- Parameters of a job that are not secret: its workflow reads them.

alter table async_job add column job_params jsonb;
create index async_job_of_vm on async_job (instance_uuid, id) where job_status = 0 and instance_type = 'VirtualMachine';


-- Offerings

create table service_offering (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  display_text text not null,
  -- Null in an offering whose values the user chooses, within the bounds below.
  cpu integer check (cpu >= 1),
  -- MHz.
  speed integer check (speed >= 0),
  -- Megabytes.
  ram_size integer check (ram_size >= 1),
  customized boolean not null default false,
  min_cpu integer,
  max_cpu integer,
  min_memory integer,
  max_memory integer,
  storage_type text not null default 'shared' check (storage_type in ('shared', 'local', 'any')),
  provisioning_type text not null default 'thin' check (provisioning_type in ('thin', 'sparse', 'fat')),
  cache_mode text not null default 'none' check (cache_mode in ('none', 'writeback', 'writethrough')),
  storage_tags text[] not null default '{}',
  host_tags text[] not null default '{}',
  -- Gigabytes; null: that of the image.
  root_disk_size integer check (root_disk_size >= 1),
  -- Megabits per second; null: no limit.
  network_rate integer check (network_rate >= 0),
  limit_cpu_use boolean not null default false,
  offer_ha boolean not null default false,
  is_volatile boolean not null default false,
  dynamic_scaling_enabled boolean not null default false,
  disk_offering_strictness boolean not null default false,
  deployment_planner text,
  -- Inactive: only administrators see it, and nothing new is deployed from it.
  state text not null default 'Active' check (state in ('Active', 'Inactive')),
  sort_key integer not null default 0,
  details jsonb not null default '{}',
  created timestamptz not null default now(),
  -- Kept for the virtual machines that use it.
  removed timestamptz
);

-- Zones that an offering is restricted to; without a row, it is offered everywhere. A zone is not removed while it is the
-- only one of an offering.
create table service_offering_zone (
  service_offering_id bigint not null references service_offering on delete cascade,
  zone_id bigint not null references data_center on delete cascade,
  primary key (service_offering_id, zone_id)
);

create table disk_offering (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  display_text text not null,
  -- Gigabytes; null: the user gives the size.
  disk_size integer check (disk_size >= 1),
  storage_type text not null default 'shared' check (storage_type in ('shared', 'local', 'any')),
  provisioning_type text not null default 'thin' check (provisioning_type in ('thin', 'sparse', 'fat')),
  cache_mode text not null default 'none' check (cache_mode in ('none', 'writeback', 'writethrough')),
  tags text[] not null default '{}',
  disk_size_strictness boolean not null default false,
  display_offering boolean not null default true,
  state text not null default 'Active' check (state in ('Active', 'Inactive')),
  sort_key integer not null default 0,
  created timestamptz not null default now(),
  removed timestamptz
);
insert into disk_offering (name, display_text, storage_type) values ('Custom', 'Custom Disk', 'any');

insert into service_offering (name, display_text, cpu, speed, ram_size, storage_type) values
  ('Small Instance', 'Small Instance', 1, 500, 512, 'any'),
  ('Medium Instance', 'Medium Instance', 1, 1000, 1024, 'any');


-- Networks

create table network_offerings (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  display_text text not null,
  guest_type text not null check (guest_type in ('L2', 'Shared')),
  traffic_type text not null default 'Guest',
  state text not null default 'Disabled' check (state in ('Enabled', 'Disabled')),
  availability text not null default 'Optional' check (availability in ('Optional', 'Required')),
  specify_vlan boolean not null default false,
  specify_ip_ranges boolean not null default false,
  conserve_mode boolean not null default true,
  is_persistent boolean not null default false,
  is_default boolean not null default false,
  -- As it was given: Bypass has no firewall.
  egress_default_policy boolean not null default false,
  network_rate integer,
  max_connections integer,
  tags text,
  -- Names of services, with their providers, as they were given: Bypass provides none.
  services jsonb not null default '[]',
  details jsonb not null default '{}',
  sort_key integer not null default 0,
  created timestamptz not null default now(),
  removed timestamptz
);
insert into network_offerings (name, display_text, guest_type, state, specify_vlan, specify_ip_ranges, is_default) values
  ('DefaultL2NetworkOffering', 'Offering for L2 networks', 'L2', 'Enabled', false, false, true),
  ('DefaultL2NetworkOfferingVlan', 'Offering for L2 networks with a VLAN that is given', 'L2', 'Enabled', true, false, true),
  ('DefaultSharedNetworkOffering', 'Offering for shared networks', 'Shared', 'Enabled', true, true, true);

create table networks (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  display_text text not null,
  network_offering_id bigint not null references network_offerings,
  data_center_id bigint not null references data_center on delete cascade,
  account_id bigint not null references account,
  -- The name by which hosts offer it (BYPASS_NETWORKS); null: the zone's setting vm.network.default.
  host_network text,
  vlan integer check (vlan between 1 and 4094),
  gateway text,
  netmask text,
  cidr text,
  start_ip text,
  end_ip text,
  ip6_gateway text,
  ip6_cidr text,
  network_domain text,
  -- Account: the owner alone; Domain: everybody.
  acl_type text not null default 'Account' check (acl_type in ('Account', 'Domain')),
  created timestamptz not null default now(),
  removed timestamptz
);
create index networks_zone on networks (data_center_id) where removed is null;


-- Keys, user data and groups of accounts

create table ssh_keypair (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_id bigint not null references account on delete cascade,
  name text not null,
  public_key text not null,
  -- MD5 of the key, as pairs of hexadecimal digits with colons between.
  fingerprint text not null,
  created timestamptz not null default now(),
  unique (account_id, name),
  unique (account_id, fingerprint)
);

create table user_data (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_id bigint not null references account on delete cascade,
  name text not null,
  -- Base64 text, sealed.
  user_data_sealed text not null,
  params text,
  created timestamptz not null default now(),
  unique (account_id, name)
);

create table instance_group (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_id bigint not null references account on delete cascade,
  name text not null,
  created timestamptz not null default now(),
  unique (account_id, name)
);


-- Virtual machines

create table vm_instance (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  -- The name of the guest, and the name that people see.
  name text not null,
  display_name text not null,
  -- The name of the domain: i-<account>-<vm>-VM.
  instance_name text not null unique,
  account_id bigint not null references account,
  user_id bigint not null references "user",
  data_center_id bigint not null references data_center,
  -- The host on which the domain is, or may be, defined: no other host may define it before this one has confirmed that
  -- it has none (workflows/vm). Null: no host has it.
  host_id bigint references host on delete set null,
  -- Grows with each start; a host refuses a start that is no younger than a release that it has confirmed.
  generation integer not null default 0,
  last_host_id bigint references host on delete set null,
  -- Where the user wants it.
  wanted_host_id bigint references host on delete set null,
  wanted_cluster_id bigint references cluster on delete set null,
  service_offering_id bigint not null references service_offering,
  -- Resolved from the offering and the details.
  cpu integer not null check (cpu >= 1),
  speed integer not null default 0,
  ram_size integer not null check (ram_size >= 1),
  -- The template or ISO that it was deployed from.
  template_id bigint not null references vm_template,
  -- The attached ISO.
  iso_id bigint references vm_template,
  guest_os_id bigint references guest_os,
  state text not null default 'Stopped' check (state in
    ('Starting', 'Running', 'Stopping', 'Stopped', 'Destroyed', 'Expunging', 'Error')),
  -- What the domain was last reported to be, and when: the truth about it is libvirt's.
  power_state text not null default 'PowerUnknown' check (power_state in
    ('PowerOn', 'PowerOff', 'PowerUnknown', 'PowerReportMissing')),
  -- Why the domain is not as it should be, such as a guest paused for lack of space.
  power_reason text,
  power_state_updated timestamptz,
  -- What the deployment or start is doing: copy, disk, seed, define, start, boot; null when nothing is under way.
  phase text,
  -- Why it waits or why it failed.
  error_str text,
  error_kind text,
  boot_type text not null default 'BIOS' check (boot_type in ('BIOS', 'UEFI')),
  boot_mode text not null default 'LEGACY' check (boot_mode in ('LEGACY', 'SECURE')),
  -- Base64 text, sealed; the registered user data that it comes from; and the values of its variables, as JSON, sealed.
  user_data_sealed text,
  user_data_id bigint references user_data on delete set null,
  user_data_details_sealed text,
  vnc_password_sealed text,
  -- Names of SSH key pairs, and the public keys at the time.
  keypair_names text[] not null default '{}',
  public_keys text[] not null default '{}',
  instance_group_id bigint references instance_group on delete set null,
  -- The instance id of its first boot data: a new one after a restore.
  seed_id uuid not null default gen_random_uuid(),
  details jsonb not null default '{}',
  ha_enabled boolean not null default false,
  display_vm boolean not null default true,
  delete_protection boolean not null default false,
  dynamically_scalable boolean not null default false,
  created timestamptz not null default now(),
  updated timestamptz not null default now(),
  destroyed timestamptz,
  -- Expunged.
  removed timestamptz
);
create index vm_instance_account on vm_instance (account_id) where removed is null;
create index vm_instance_host on vm_instance (host_id) where removed is null;
create index vm_instance_template on vm_instance (template_id) where removed is null;
create index vm_instance_iso on vm_instance (iso_id) where removed is null and iso_id is not null;
create index vm_instance_destroyed on vm_instance (destroyed) where state = 'Destroyed' and removed is null;

create table volumes (
  id bigint generated always as identity primary key,
  -- The name of its file in the pool.
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  account_id bigint not null references account,
  data_center_id bigint not null references data_center,
  vm_id bigint references vm_instance on delete cascade,
  volume_type text not null default 'ROOT' check (volume_type in ('ROOT', 'DATADISK')),
  device_id integer not null default 0,
  pool_id bigint references storage_pool,
  -- The image below an overlay; null for an empty disk.
  template_id bigint references vm_template,
  disk_offering_id bigint references disk_offering,
  -- Bytes that the guest sees.
  size bigint not null check (size >= 0),
  -- Bytes that its file takes in the pool, as reported last.
  physical_size bigint not null default 0,
  provisioning_type text not null default 'thin',
  state text not null default 'Allocated' check (state in ('Allocated', 'Creating', 'Ready', 'Destroy', 'Expunging')),
  created timestamptz not null default now(),
  removed timestamptz
);
create index volumes_vm on volumes (vm_id) where removed is null;
-- What stands on a copy.
create index volumes_image on volumes (pool_id, template_id) where removed is null;

create table nics (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  vm_id bigint not null references vm_instance on delete cascade,
  network_id bigint not null references networks,
  device_id integer not null,
  default_nic boolean not null default false,
  mac_address text not null,
  -- As the user gave them (addresses_given), or as a lease, ARP or the guest agent told them.
  ip4_address text,
  ip6_address text,
  addresses_given boolean not null default false,
  created timestamptz not null default now(),
  removed timestamptz
);
create unique index nics_mac on nics (mac_address) where removed is null;
create index nics_vm on nics (vm_id) where removed is null;
create index nics_network on nics (network_id) where removed is null;

-- Tags of virtual machines, as resource_tag has those of templates.
create table vm_tag (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  vm_id bigint not null references vm_instance on delete cascade,
  key text not null,
  value text not null,
  created timestamptz not null default now(),
  unique (vm_id, key)
);

-- Tags of networks, likewise.
create table network_tag (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  network_id bigint not null references networks on delete cascade,
  key text not null,
  value text not null,
  created timestamptz not null default now(),
  unique (network_id, key)
);
