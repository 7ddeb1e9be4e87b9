
create table kysely_migration (name varchar(255) not null primary key, timestamp varchar(255) not null);
create table kysely_migration_lock (id varchar(255) not null primary key, is_locked integer not null default 0);

-- The schema. Tables and columns have CloudStack's names where CloudStack has them; the rest is Bypass's own.
-- Numeric keys (id) stay inside the database: the API and Temporal know UUIDs only.
-- Columns named *_sealed, and vm_template.sealed, hold text encrypted with the master key (trust/at-rest.ts).
-- Sizes are bytes. States are CloudStack's words (model/states.ts).


-- Accounts, users and sessions

create table account (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_name text not null,
  role text not null check (role in ('admin', 'user')),
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'locked')),
  -- The most templates and ISOs that the account may own; null: no limit.
  template_limit integer check (template_limit >= 0),
  created timestamptz not null default now(),
  removed timestamptz
);
-- The name of a removed account or user is free again.
create unique index account_name on account (account_name) where removed is null;

create table "user" (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_id bigint not null references account on delete cascade,
  username text not null,
  password_hash text,
  -- SHA-256 in hex: requests are looked up by it.
  api_key_hash text unique,
  -- Null where only the hash was kept.
  api_key_sealed text,
  secret_key_sealed text,
  state text not null default 'enabled' check (state in ('enabled', 'disabled', 'locked')),
  email text,
  firstname text,
  lastname text,
  timezone text,
  created timestamptz not null default now(),
  removed timestamptz
);
create unique index user_name on "user" (username) where removed is null;

-- Sessions of users who logged in. Only hashes are kept, so that a reader of this table cannot use a session.
create table session (
  id bigint generated always as identity primary key,
  token_hash text not null unique,
  key_hash text not null,
  user_id bigint not null references "user" on delete cascade,
  created timestamptz not null default now(),
  last_used timestamptz not null default now()
);
create index session_of_user on session (user_id);


-- Zones, clusters and settings

-- A zone.
create table data_center (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null unique,
  allocation_state text not null default 'Enabled' check (allocation_state in ('Enabled', 'Disabled')),
  -- Whether a registration fails when one of its URLs cannot be reached.
  demand_all_mirrors boolean not null default false,
  -- Whether copies may be deployed to pools of single hosts.
  is_local_storage_enabled boolean not null default true,
  -- Kept for clients; Bypass does not use what follows.
  networktype text not null default 'Advanced' check (networktype in ('Basic', 'Advanced')),
  dns1 text,
  dns2 text,
  internal_dns1 text,
  internal_dns2 text,
  ip6_dns1 text,
  ip6_dns2 text,
  domain text,
  guest_network_cidr text,
  created timestamptz not null default now(),
  removed timestamptz
);

create table cluster (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  name text not null,
  data_center_id bigint not null references data_center on delete cascade,
  hypervisor_type text not null default 'KVM',
  allocation_state text not null default 'Enabled' check (allocation_state in ('Enabled', 'Disabled')),
  created timestamptz not null default now(),
  removed timestamptz,
  unique (data_center_id, name)
);

-- Settings of the whole installation, by name (model/configurations.ts). A setting without a row has its default.
create table configuration (
  name text primary key,
  value text not null,
  updated timestamptz not null default now()
);

-- Settings of one zone; they take precedence over those of the installation.
create table data_center_details (
  id bigint generated always as identity primary key,
  data_center_id bigint not null references data_center on delete cascade,
  name text not null,
  value text not null,
  unique (data_center_id, name)
);


-- Hosts

-- One-time tokens with which hosts join; data_center_id null: valid for any zone.
create table host_invite (
  uuid uuid primary key,
  secret_hash text not null,
  data_center_id bigint references data_center on delete cascade,
  created timestamptz not null default now(),
  expires timestamptz not null,
  used_by uuid
);

create table host (
  id bigint generated always as identity primary key,
  uuid uuid not null unique,
  name text not null,
  private_ip_address text not null default '',
  data_center_id bigint not null references data_center,
  cluster_id bigint not null references cluster,
  hypervisor_type text not null default 'KVM',
  resource_state text not null check (resource_state in ('Enabled', 'Disabled', 'Maintenance')),
  host_tags text[] not null default '{}',

  -- Ed25519 and X25519, raw, base64url.
  signing_key text not null,
  sealing_key text not null,
  -- When the host joined last, by its own clock, and the workflow run that admitted it: a join request counts once.
  joined_at timestamptz,
  joined_run text,

  -- The last report of the host.
  version text not null default '',
  programs jsonb not null default '[]',
  -- Null: its release does not report capabilities.
  capabilities jsonb,
  problems jsonb not null default '[]',
  reported timestamptz,
  -- When the host was last asked for a report: hosts take turns by it, so that silent ones do not delay others.
  report_requested timestamptz,

  -- Times of the worker heartbeats seen last, as JSON, and when one of them changed last.
  worker_heartbeat text not null default '',
  last_seen timestamptz,

  -- Limits set by an operator (null: the host's own setting; rate in bytes per second, 0: none), and a number that
  -- grows with each change.
  download_limit integer check (download_limit >= 1),
  rate_limit bigint check (rate_limit >= 0),
  limits_revision integer not null default 0,
  -- Limits that the host reported to be in force; null until it did.
  current_download_limit integer,
  current_rate_limit bigint,

  -- The certificates in the host's keystore, as the host read them back last.
  keystore jsonb not null default '[]',
  created timestamptz not null default now()
);

-- Endpoints that no URL of a template may lead to: what the processes of this installation listen on and connect to,
-- as each of them publishes it.
create table protected_endpoint (
  process text not null,
  -- host:port
  endpoint text not null,
  seen timestamptz not null default now(),
  primary key (process, endpoint)
);


-- Storage pools

-- Pools as their hosts report them.
create table storage_pool (
  id bigint generated always as identity primary key,
  uuid uuid not null unique,
  name text not null,
  pool_type text not null check (pool_type in ('Filesystem', 'NetworkFilesystem', 'SharedMountPoint')),
  scope text not null check (scope in ('HOST', 'CLUSTER', 'ZONE')),
  data_center_id bigint not null references data_center,
  cluster_id bigint references cluster,
  state text not null default 'Up' check (state in ('Up', 'Disabled', 'Maintenance')),
  tags text[] not null default '{}',
  capacity_bytes bigint not null default 0,
  free_bytes bigint not null default 0,
  -- Bytes of unfinished downloads when free_bytes was reported: UUID of the copy -> bytes.
  parts jsonb not null default '{}',
  reported timestamptz,
  created timestamptz not null default now()
);

-- Which hosts have which pool, and why one does not mount it.
create table storage_pool_host_ref (
  id bigint generated always as identity primary key,
  pool_id bigint not null references storage_pool on delete cascade,
  host_id bigint not null references host on delete cascade,
  local_path text not null,
  mounted boolean not null,
  problem text,
  created timestamptz not null default now(),
  last_updated timestamptz not null default now(),
  unique (pool_id, host_id)
);


-- Certificates that hosts trust for downloads

create table direct_download_certificate (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  alias text not null,
  -- PEM: one certificate, a chain or a bundle.
  certificate text not null,
  -- PEM: the certificate that hosts present to servers that demand one, with its chain, and its private key.
  client_certificate text,
  client_key_sealed text,
  -- Identifies the content in keystores (entryDigest).
  digest text not null,
  -- When the first of the certificates expires.
  expires timestamptz not null,
  hypervisor_type text not null default 'KVM',
  zone_id bigint not null references data_center on delete cascade,
  -- No host is to hold it, unless its row in the host map says otherwise.
  revoked boolean not null default false,
  created timestamptz not null default now()
);
create unique index direct_download_certificate_alias on direct_download_certificate (zone_id, lower(alias));

-- Where one host differs from what holds for its zone, and what the host reported. A host without a row holds the
-- certificate, or is to hold it, as the certificate says.
create table direct_download_certificate_host_map (
  id bigint generated always as identity primary key,
  certificate_id bigint not null references direct_download_certificate on delete cascade,
  host_id bigint not null references host on delete cascade,
  -- Whether the keystore no longer has it; null: the host has not reported.
  revoked boolean,
  -- Whether this host is to hold it; null: as the certificate says.
  wanted boolean,
  -- Why the keystore is not as it should be.
  error_str text,
  last_updated timestamptz not null default now(),
  unique (certificate_id, host_id)
);
create index on direct_download_certificate_host_map (host_id);


-- Templates and ISOs

create table guest_os (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  category text not null,
  display_name text not null unique
);

-- A template or, with format ISO, an ISO. Its row stays after it is deleted.
create table vm_template (
  id bigint generated always as identity primary key,
  uuid uuid not null unique,
  unique_name text not null unique,
  name text not null,
  display_text text not null,
  public boolean not null default false,
  featured boolean not null default false,
  extractable boolean not null default false,
  bootable boolean not null default true,
  hvm boolean not null default true,
  bits integer not null default 64,
  arch text not null default 'x86_64',
  hypervisor_type text not null default 'KVM',
  guest_os_id bigint references guest_os,
  enable_password boolean not null default false,
  enable_sshkey boolean not null default false,
  dynamically_scalable boolean not null default false,
  template_tag text,
  account_id bigint not null references account,

  -- The source. The URL is stored without its query and credentials, which are in sealed.
  url text not null,
  format text not null check (format in ('QCOW2', 'RAW', 'ISO')),
  compression text check (compression in ('gzip', 'bzip2', 'xz', 'zstd', 'zip')),
  checksum text,
  metalink_digest text,
  direct_download boolean not null default true,
  sealed text,

  -- Bytes of the file as transferred; bytes that a VM sees, 0 until known; bytes that a compressed file announces to
  -- unpack to, 0 when it announces none.
  size bigint not null default 0,
  virtual_size bigint not null default 0,
  unpacked_size bigint not null default 0,

  cross_zones boolean not null default false,
  -- Number of its zones, maintained by a trigger.
  zones integer not null default 0,
  state text not null check (state in ('NotUploaded', 'Active', 'Inactive')),
  -- Its position in lists, given by a trigger when it becomes Active.
  listed bigint,
  created timestamptz not null default now(),
  updated timestamptz not null default now(),
  removed timestamptz
);
create index vm_template_account on vm_template (account_id);
create index vm_template_shown on vm_template (id)
  include (account_id, public, featured, format, state, zones) where removed is null;
create index vm_template_listed_shown on vm_template (listed, id) where removed is null;

create table vm_template_details (
  id bigint generated always as identity primary key,
  template_id bigint not null references vm_template on delete cascade,
  name text not null,
  value text not null,
  display boolean not null default true,
  unique (template_id, name)
);

create table template_zone_ref (
  id bigint generated always as identity primary key,
  template_id bigint not null references vm_template on delete cascade,
  zone_id bigint not null references data_center on delete cascade,
  created timestamptz not null default now(),
  unique (template_id, zone_id)
);

-- CloudStack has a row for each template on a secondary storage. Bypass has no such storage: one row for each template,
-- with store_id null and download_state BYPASSED.
create table template_store_ref (
  id bigint generated always as identity primary key,
  template_id bigint not null references vm_template on delete cascade,
  store_id bigint,
  store_role text not null default 'Image',
  download_state text not null default 'BYPASSED',
  download_pct integer not null default 0,
  state text not null default 'Ready',
  size bigint not null default 0,
  physical_size bigint not null default 0,
  url text,
  error_str text,
  created timestamptz not null default now(),
  last_updated timestamptz not null default now(),
  unique nulls not distinct (template_id, store_id)
);

-- The URLs that a template can be downloaded from, as they were when a host checked them at the registration.
create table template_mirror (
  id bigint generated always as identity primary key,
  template_id bigint not null references vm_template on delete cascade,
  url text not null,
  priority integer not null,
  location text,
  size bigint not null,
  -- Whether the server sends ranges of bytes.
  ranges boolean not null,
  etag text,
  last_modified text,
  reachable boolean not null,
  -- Why it was not reachable.
  reason text,
  -- What the check saw of the file (model/evidence.ts).
  evidence jsonb,
  unique (template_id, url)
);

-- Accounts that may use a template besides its owner.
create table launch_permission (
  template_id bigint not null references vm_template on delete cascade,
  account_id bigint not null references account on delete cascade,
  created timestamptz not null default now(),
  primary key (template_id, account_id)
);
create index launch_permission_account on launch_permission (account_id);

-- Names that a user shared a template with and that are no accounts. They are listed like accounts, so that nobody
-- finds out by sharing which accounts exist.
create table launch_permission_name (
  template_id bigint not null references vm_template on delete cascade,
  account_name text not null,
  primary key (template_id, account_name)
);

create table resource_tag (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  template_id bigint not null references vm_template on delete cascade,
  key text not null,
  value text not null,
  created timestamptz not null default now(),
  unique (template_id, key)
);
create index resource_tag_key on resource_tag (key, value);

create function count_zones() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    update vm_template set zones = zones + 1 where id = new.template_id;
  else
    update vm_template set zones = zones - 1 where id = old.template_id;
  end if;
  return null;
end $$;

create trigger count_zones after insert or delete on template_zone_ref
  for each row execute function count_zones();

-- Templates are listed in the order in which they became Active, so that a page does not shift under its reader when
-- a template that was registered earlier becomes Active later.
create sequence vm_template_listed;

-- The lock lasts until the commit: numbers become visible in their order.
create function list_template() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('vm_template.listed', 0));
  update vm_template set listed = nextval('vm_template_listed') where id = new.id and listed is null;
  return null;
end $$;

-- Deferred to the commit, so that no transaction waits for the rest of another one.
create constraint trigger list_template after insert or update of state on vm_template
  deferrable initially deferred for each row
  when (new.state = 'Active' and new.listed is null) execute function list_template();


-- Copies: a template on a pool

create table template_spool_ref (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  template_id bigint not null references vm_template,
  pool_id bigint not null references storage_pool on delete cascade,
  download_state text not null default 'NOT_DOWNLOADED' check (download_state in
    ('NOT_DOWNLOADED', 'DOWNLOAD_IN_PROGRESS', 'DOWNLOADED', 'DOWNLOAD_ERROR')),
  download_pct integer not null default 0,
  state text not null default 'Allocated' check (state in ('Allocated', 'Creating', 'Ready', 'Destroying', 'Failed')),
  error_str text,
  local_path text,
  install_path text,
  template_size bigint not null default 0,
  physical_size bigint not null default 0,
  sha256 text,
  marked_for_gc boolean not null default false,
  cancelled_by text,
  -- The id of the workflow that works on the copy.
  job_id text,
  -- What the inspection saw of the finished file (model/evidence.ts).
  evidence jsonb,
  created timestamptz not null default now(),
  last_updated timestamptz not null default now(),
  unique (template_id, pool_id)
);
create index template_spool_ref_pool on template_spool_ref (pool_id);
create index template_spool_ref_activity on template_spool_ref
  (array_position(array['Creating', 'Destroying', 'Failed'], state), last_updated desc, id);
create index template_spool_ref_creating on template_spool_ref (id) where state = 'Creating';

-- Each try of a download, one row per source; uuid is that of the attempt, which is one run of a host's activity.
create table download_attempt (
  id bigint generated always as identity primary key,
  uuid uuid not null,
  copy_id bigint not null references template_spool_ref on delete cascade,
  host_id bigint references host on delete set null,
  host_name text not null,
  sequence integer not null,
  source text not null,
  started timestamptz not null,
  ended timestamptz not null,
  bytes bigint not null,
  failure_kind text,
  error_str text,
  -- Why it started again from the first byte although bytes were kept.
  note text,
  -- What the inspection saw of a file that was refused (model/evidence.ts).
  evidence jsonb,
  unique (uuid, sequence)
);
create index download_attempt_copy on download_attempt (copy_id);
create index download_attempt_ended on download_attempt (ended);

-- Space promised to downloads in progress, so that two of them do not count on the same free bytes. bytes is that of
-- the whole file, with what is already written.
create table pool_reservation (
  copy_id bigint primary key references template_spool_ref on delete cascade,
  pool_id bigint not null references storage_pool on delete cascade,
  bytes bigint not null check (bytes >= 0),
  created timestamptz not null default now()
);

-- Bytes fetched in each minute for the templates of an account. Written as bytes arrive, so that past minutes of a chart
-- never change. account_id is no reference: what a removed account fetched stays.
create table throughput_sample (
  minute timestamptz not null,
  account_id bigint not null,
  bytes bigint not null,
  primary key (minute, account_id)
);

-- How many bytes of an attempt (download_attempt.uuid) are counted in throughput_sample, and up to when.
create table counted_attempt (
  attempt uuid primary key,
  account_id bigint not null,
  bytes bigint not null,
  counted timestamptz not null default now()
);
create index counted_attempt_counted on counted_attempt (counted);


-- Asynchronous jobs: what queryAsyncJobResult answers, also after Temporal has deleted the workflow

create table async_job (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  account_id bigint not null references account,
  user_id bigint not null references "user",
  -- The API command, such as prepareTemplate.
  job_cmd text not null,
  -- 0: pending, 1: done, 2: failed.
  job_status integer not null default 0 check (job_status in (0, 1, 2)),
  job_result_code integer not null default 0,
  job_result jsonb,
  -- The resource that the job works on.
  instance_type text,
  instance_uuid uuid,
  created timestamptz not null default now(),
  completed timestamptz
);
create index async_job_pending on async_job (job_cmd, instance_uuid) where job_status = 0;
create index async_job_account on async_job (account_id);
create index async_job_instance on async_job (instance_uuid, id);
create index async_job_completed on async_job (completed) where completed is not null;

-- The copies that a job waits for; settled once a copy is ready or failed. The job ends when all are settled.
create table async_job_copy (
  job_id bigint not null references async_job on delete cascade,
  template_uuid uuid not null,
  pool_uuid uuid not null,
  settled timestamptz,
  -- CloudStack's error code and the sentence beside it; null: the copy is ready.
  error_code integer,
  error_str text,
  primary key (job_id, template_uuid, pool_uuid)
);
create index async_job_copy_pending on async_job_copy (template_uuid, pool_uuid) where settled is null;


-- Events: who did what to which resource, and how it ended

create table event (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  type text not null,
  level text not null check (level in ('INFO', 'WARN', 'ERROR')),
  state text not null check (state in ('Created', 'Scheduled', 'Started', 'Completed')),
  description text not null,
  user_id bigint references "user",
  account_id bigint references account,
  resource_type text,
  resource_uuid uuid,
  workflow_id text,
  -- Identifies an outcome, so that an activity that runs twice records it once.
  once text unique,
  created timestamptz not null default now()
);
create index event_created on event (created, id);
create index event_account on event (account_id, created, id);
create index event_resource on event (resource_uuid);


-- Counts of lists

-- A row for each statement that changed what a list counts. db/count.ts counts a list again only when the rows of its
-- subject are others than at the last count.
create table list_change (
  id uuid primary key default gen_random_uuid(),
  subject text not null
);
insert into list_change (subject) values ('template'), ('copy'), ('event');

create function note_change() returns trigger language plpgsql as $$
begin
  insert into list_change (subject) values (tg_argv[0]);
  return null;
end $$;

create trigger note_change
  after insert or delete
    or update of state, removed, public, featured, account_id, name, display_text, bootable, format
  on vm_template for each statement execute function note_change('template');
create trigger note_change after insert or delete or update on template_zone_ref
  for each statement execute function note_change('template');
create trigger note_change after insert or delete or update on launch_permission
  for each statement execute function note_change('template');
create trigger note_change after insert or delete or update on resource_tag
  for each statement execute function note_change('template');
create trigger note_change after insert or delete or update of state on template_spool_ref
  for each statement execute function note_change('copy');
create trigger note_change after insert or delete on event
  for each statement execute function note_change('event');


-- Guest operating systems. Those that are offered first; then CloudStack's names, by which its clients look for them
-- (a few older ones have no space before the width).

insert into guest_os (category, display_name) values
  ('Linux', 'Other Linux (64-bit)'), ('Debian', 'Debian GNU/Linux 12'), ('Debian', 'Debian GNU/Linux 13'),
  ('Ubuntu', 'Ubuntu 22.04 LTS'), ('Ubuntu', 'Ubuntu 24.04 LTS'), ('Ubuntu', 'Ubuntu 26.04 LTS'),
  ('RedHat', 'Red Hat Enterprise Linux 8'), ('RedHat', 'Red Hat Enterprise Linux 9'),
  ('RedHat', 'Red Hat Enterprise Linux 10'), ('CentOS', 'CentOS Stream 9'), ('Rocky Linux', 'Rocky Linux 9'),
  ('AlmaLinux', 'AlmaLinux 9'), ('SUSE', 'openSUSE Leap 15'), ('Fedora', 'Fedora Linux'), ('Alpine', 'Alpine Linux'),
  ('Windows', 'Windows Server 2019 (64-bit)'), ('Windows', 'Windows Server 2022 (64-bit)'),
  ('Windows', 'Windows Server 2025 (64-bit)'), ('Windows', 'Windows 11 (64-bit)'), ('Unix', 'FreeBSD 14 (64-bit)'),
  ('Other', 'Other (64-bit)'), ('None', 'None');

insert into guest_os (category, display_name) select 'CentOS', unnest(array[
  'CentOS 5.0 (32-bit)', 'CentOS 5.0 (64-bit)', 'CentOS 5.1 (32-bit)', 'CentOS 5.1 (64-bit)', 'CentOS 5.2 (32-bit)',
  'CentOS 5.2 (64-bit)', 'CentOS 5.3 (32-bit)', 'CentOS 5.3 (64-bit)', 'CentOS 5.4 (32-bit)', 'CentOS 5.4 (64-bit)',
  'CentOS 5.5 (32-bit)', 'CentOS 5.5 (64-bit)', 'CentOS 5.6 (32-bit)', 'CentOS 5.6 (64-bit)', 'CentOS 5.7 (32-bit)',
  'CentOS 5.7 (64-bit)', 'CentOS 5.8 (32-bit)', 'CentOS 5.8 (64-bit)', 'CentOS 5.9 (32-bit)', 'CentOS 5.9 (64-bit)',
  'CentOS 6.0 (32-bit)', 'CentOS 6.0 (64-bit)', 'CentOS 6.1 (32-bit)', 'CentOS 6.1 (64-bit)', 'CentOS 6.2 (32-bit)',
  'CentOS 6.2 (64-bit)', 'CentOS 6.3 (32-bit)', 'CentOS 6.3 (64-bit)', 'CentOS 6.4 (32-bit)', 'CentOS 6.4 (64-bit)',
  'CentOS 6.5 (32-bit)', 'CentOS 6.5 (64-bit)', 'CentOS 7', 'CentOS 7.1', 'CentOS 7.2', 'CentOS 8', 'CentOS Stream 8',
  'Other CentOS (32-bit)', 'Other CentOS (64-bit)'
]);
insert into guest_os (category, display_name) select 'Debian', unnest(array[
  'Debian GNU/Linux 5(32-bit)', 'Debian GNU/Linux 5(64-bit)', 'Debian GNU/Linux 6(32-bit)',
  'Debian GNU/Linux 6(64-bit)', 'Debian GNU/Linux 7(32-bit)', 'Debian GNU/Linux 7(64-bit)',
  'Debian GNU/Linux 8 (32-bit)', 'Debian GNU/Linux 8 (64-bit)', 'Debian GNU/Linux 9 (32-bit)',
  'Debian GNU/Linux 9 (64-bit)', 'Debian GNU/Linux 10 (32-bit)', 'Debian GNU/Linux 10 (64-bit)',
  'Debian GNU/Linux 11 (32-bit)', 'Debian GNU/Linux 11 (64-bit)', 'Debian GNU/Linux 12 (32-bit)',
  'Debian GNU/Linux 12 (64-bit)', 'Debian GNU/Linux 13 (32-bit)', 'Debian GNU/Linux 13 (64-bit)'
]);
insert into guest_os (category, display_name) select 'Oracle', unnest(array[
  'Oracle Enterprise Linux 5.0 (32-bit)', 'Oracle Enterprise Linux 5.0 (64-bit)',
  'Oracle Enterprise Linux 5.1 (32-bit)', 'Oracle Enterprise Linux 5.1 (64-bit)',
  'Oracle Enterprise Linux 5.2 (32-bit)', 'Oracle Enterprise Linux 5.2 (64-bit)',
  'Oracle Enterprise Linux 5.3 (32-bit)', 'Oracle Enterprise Linux 5.3 (64-bit)',
  'Oracle Enterprise Linux 5.4 (32-bit)', 'Oracle Enterprise Linux 5.4 (64-bit)',
  'Oracle Enterprise Linux 5.5 (32-bit)', 'Oracle Enterprise Linux 5.5 (64-bit)',
  'Oracle Enterprise Linux 6.0 (32-bit)', 'Oracle Enterprise Linux 6.0 (64-bit)',
  'Oracle Enterprise Linux 6.1 (32-bit)', 'Oracle Enterprise Linux 6.1 (64-bit)',
  'Oracle Enterprise Linux 6.2 (32-bit)', 'Oracle Enterprise Linux 6.2 (64-bit)',
  'Oracle Enterprise Linux 6.3 (32-bit)', 'Oracle Enterprise Linux 6.3 (64-bit)',
  'Oracle Enterprise Linux 6.4 (32-bit)', 'Oracle Enterprise Linux 6.4 (64-bit)',
  'Oracle Enterprise Linux 6.5 (32-bit)', 'Oracle Enterprise Linux 6.5 (64-bit)', 'Oracle Linux 7', 'Oracle Linux 8',
  'Oracle Linux 9'
]);
insert into guest_os (category, display_name) select 'RedHat', unnest(array[
  'Red Hat Enterprise Linux 5.0 (32-bit)', 'Red Hat Enterprise Linux 5.0 (64-bit)',
  'Red Hat Enterprise Linux 5.1 (32-bit)', 'Red Hat Enterprise Linux 5.1 (64-bit)',
  'Red Hat Enterprise Linux 5.2 (32-bit)', 'Red Hat Enterprise Linux 5.2 (64-bit)',
  'Red Hat Enterprise Linux 5.3 (32-bit)', 'Red Hat Enterprise Linux 5.3 (64-bit)',
  'Red Hat Enterprise Linux 5.4 (32-bit)', 'Red Hat Enterprise Linux 5.4 (64-bit)',
  'Red Hat Enterprise Linux 5.5 (32-bit)', 'Red Hat Enterprise Linux 5.5 (64-bit)',
  'Red Hat Enterprise Linux 5.6 (32-bit)', 'Red Hat Enterprise Linux 5.6 (64-bit)',
  'Red Hat Enterprise Linux 5.7 (32-bit)', 'Red Hat Enterprise Linux 5.7 (64-bit)',
  'Red Hat Enterprise Linux 5.8 (32-bit)', 'Red Hat Enterprise Linux 5.8 (64-bit)',
  'Red Hat Enterprise Linux 5.9 (32-bit)', 'Red Hat Enterprise Linux 5.9 (64-bit)',
  'Red Hat Enterprise Linux 6.0 (32-bit)', 'Red Hat Enterprise Linux 6.0 (64-bit)',
  'Red Hat Enterprise Linux 6.1 (32-bit)', 'Red Hat Enterprise Linux 6.1 (64-bit)',
  'Red Hat Enterprise Linux 6.2 (32-bit)', 'Red Hat Enterprise Linux 6.2 (64-bit)',
  'Red Hat Enterprise Linux 6.3 (32-bit)', 'Red Hat Enterprise Linux 6.3 (64-bit)',
  'Red Hat Enterprise Linux 6.4 (32-bit)', 'Red Hat Enterprise Linux 6.4 (64-bit)',
  'Red Hat Enterprise Linux 6.5 (32-bit)', 'Red Hat Enterprise Linux 6.5 (64-bit)',
  'Red Hat Enterprise Linux 6(32-bit)', 'Red Hat Enterprise Linux 6(64-bit)', 'Red Hat Enterprise Linux 7',
  'Red Hat Enterprise Linux 7.1', 'Red Hat Enterprise Linux 7.2', 'Red Hat Enterprise Linux 8.0',
  'Red Hat Enterprise Linux 8.1', 'Red Hat Enterprise Linux 8.2', 'Red Hat Enterprise Linux 8.3',
  'Red Hat Enterprise Linux 8.4', 'Red Hat Enterprise Linux 8.5', 'Red Hat Enterprise Linux 8.6',
  'Red Hat Enterprise Linux 9.0'
]);
insert into guest_os (category, display_name) select 'Rocky Linux', unnest(array[
  'Rocky Linux 8', 'Rocky Linux 10'
]);
insert into guest_os (category, display_name) select 'AlmaLinux', unnest(array[
  'AlmaLinux 8', 'AlmaLinux 8.3', 'AlmaLinux 10'
]);
insert into guest_os (category, display_name) select 'SUSE', unnest(array[
  'SUSE Linux Enterprise Server 11 (32-bit)', 'SUSE Linux Enterprise Server 11 (64-bit)',
  'SUSE Linux Enterprise Server 12 (32-bit)', 'SUSE Linux Enterprise Server 12 (64-bit)',
  'SUSE Linux Enterprise Server 15 (32-bit)', 'SUSE Linux Enterprise Server 15 (64-bit)', 'Other SUSE Linux(32-bit)',
  'Other SUSE Linux(64-bit)'
]);
insert into guest_os (category, display_name) select 'Ubuntu', unnest(array[
  'Ubuntu 8.04 (32-bit)', 'Ubuntu 8.04 (64-bit)', 'Ubuntu 10.04 (32-bit)', 'Ubuntu 10.04 (64-bit)',
  'Ubuntu 12.04 (32-bit)', 'Ubuntu 12.04 (64-bit)', 'Ubuntu 14.04 (32-bit)', 'Ubuntu 14.04 (64-bit)',
  'Ubuntu 16.04 (32-bit)', 'Ubuntu 16.04 (64-bit)', 'Ubuntu 18.04 (32-bit)', 'Ubuntu 18.04 (64-bit)',
  'Ubuntu 18.04 LTS', 'Ubuntu 20.04 LTS', 'Ubuntu 21.04', 'Other Ubuntu (32-bit)', 'Other Ubuntu (64-bit)'
]);
insert into guest_os (category, display_name) select 'Windows', unnest(array[
  'Windows 7 (32-bit)', 'Windows 7 (64-bit)', 'Windows 8 (32-bit)', 'Windows 8 (64-bit)', 'Windows 8.1 (32-bit)',
  'Windows 8.1 (64-bit)', 'Windows 10 (32-bit)', 'Windows 10 (64-bit)', 'Windows Server 2008 (32-bit)',
  'Windows Server 2008 (64-bit)', 'Windows Vista (32-bit)', 'Windows Vista (64-bit)', 'Windows XP (32-bit)',
  'Windows XP (64-bit)', 'Windows Server 2008 R2 (64-bit)', 'Windows Server 2012 (64-bit)',
  'Windows Server 2012 R2 (64-bit)', 'Windows Server 2016 (64-bit)', 'Windows PV'
]);
insert into guest_os (category, display_name) select 'Unix', unnest(array[
  'FreeBSD (32-bit)', 'FreeBSD (64-bit)', 'FreeBSD 10 (32-bit)', 'FreeBSD 10 (64-bit)', 'FreeBSD 11 (32-bit)',
  'FreeBSD 11 (64-bit)', 'FreeBSD 12 (32-bit)', 'FreeBSD 12 (64-bit)', 'FreeBSD 13 (32-bit)', 'FreeBSD 13 (64-bit)',
  'Sun Solaris 11 (32-bit)', 'Sun Solaris 11 (64-bit)', 'OpenBSD 6.7', 'OpenBSD 6.8', 'pfSense 2.4'
]);
insert into guest_os (category, display_name) select 'Linux', unnest(array[
  'Other Linux (32-bit)', 'Other 2.6x Linux (32-bit)', 'Other 2.6x Linux (64-bit)', 'CoreOS (32-bit)',
  'CoreOS (64-bit)'
]);
insert into guest_os (category, display_name) select 'Other', unnest(array[
  'Other (32-bit)', 'Other PV (32-bit)', 'Other PV (64-bit)', 'DOS', 'OS/2'
]);

set session_replication_role = replica;
insert into "account" overriding system value select * from jsonb_populate_recordset(null::"account", '[
 {
  "id": 1,
  "role": "admin",
  "uuid": "1f32dafe-89f2-4f45-9280-28395fca2947",
  "state": "enabled",
  "created": "2026-11-29T18:19:36.67701+00:00",
  "removed": null,
  "account_name": "admin",
  "template_limit": null
 }
]');
insert into "async_job" overriding system value select * from jsonb_populate_recordset(null::"async_job", '[
 {
  "id": 1,
  "uuid": "85d7dac3-9cf7-43bb-906b-6d6f24b87481",
  "created": "2026-11-29T18:19:36.900431+00:00",
  "job_cmd": "prepareTemplate",
  "user_id": 1,
  "completed": null,
  "account_id": 1,
  "job_result": null,
  "job_status": 0,
  "instance_type": "Template",
  "instance_uuid": "f5251526-2e38-4190-a597-0df51dd05d77",
  "job_result_code": 0
 }
]');
insert into "async_job_copy" overriding system value select * from jsonb_populate_recordset(null::"async_job_copy", '[
 {
  "job_id": 1,
  "settled": null,
  "error_str": null,
  "pool_uuid": "84d69575-937d-4c9d-a0d3-fcdcd14d3801",
  "error_code": null,
  "template_uuid": "f5251526-2e38-4190-a597-0df51dd05d77"
 }
]');
insert into "cluster" overriding system value select * from jsonb_populate_recordset(null::"cluster", '[
 {
  "id": 1,
  "name": "cluster",
  "uuid": "1b367258-4948-462f-a42e-5510459bb586",
  "created": "2026-11-29T18:19:36.703337+00:00",
  "removed": null,
  "data_center_id": 1,
  "hypervisor_type": "KVM",
  "allocation_state": "Enabled"
 }
]');
insert into "configuration" overriding system value select * from jsonb_populate_recordset(null::"configuration", '[
 {
  "name": "event.purge.delay",
  "value": "30",
  "updated": "2026-11-29T18:19:36.929906+00:00"
 }
]');
insert into "counted_attempt" overriding system value select * from jsonb_populate_recordset(null::"counted_attempt", '[
 {
  "bytes": 300,
  "attempt": "d7376806-81d6-447f-aa63-ca45d8105f85",
  "counted": "2026-11-29T18:19:36.888412+00:00",
  "account_id": 1
 }
]');
insert into "data_center" overriding system value select * from jsonb_populate_recordset(null::"data_center", '[
 {
  "id": 1,
  "dns1": null,
  "dns2": null,
  "name": "zone",
  "uuid": "7ba6badd-6b84-4ea9-bd7d-ce8b5910814a",
  "domain": null,
  "created": "2026-11-29T18:19:36.696887+00:00",
  "removed": null,
  "ip6_dns1": null,
  "ip6_dns2": null,
  "networktype": "Advanced",
  "internal_dns1": null,
  "internal_dns2": null,
  "allocation_state": "Enabled",
  "demand_all_mirrors": false,
  "guest_network_cidr": null,
  "is_local_storage_enabled": true
 }
]');
insert into "data_center_details" overriding system value select * from jsonb_populate_recordset(null::"data_center_details", '[
 {
  "id": 1,
  "name": "direct.download.timeout",
  "value": "7",
  "data_center_id": 1
 }
]');
insert into "direct_download_certificate" overriding system value select * from jsonb_populate_recordset(null::"direct_download_certificate", '[
 {
  "id": 1,
  "uuid": "eebf7989-bd47-4e6a-9bbd-16b12ccd5e79",
  "alias": "mirror",
  "digest": "d",
  "created": "2026-11-29T18:19:36.951762+00:00",
  "expires": "2040-01-01T00:00:00+00:00",
  "revoked": false,
  "zone_id": 1,
  "certificate": "PEM",
  "hypervisor_type": "KVM",
  "client_key_sealed": null,
  "client_certificate": null
 }
]');
insert into "direct_download_certificate_host_map" overriding system value select * from jsonb_populate_recordset(null::"direct_download_certificate_host_map", '[
 {
  "id": 1,
  "wanted": null,
  "host_id": 1,
  "revoked": null,
  "error_str": null,
  "last_updated": "2026-11-29T18:19:36.955319+00:00",
  "certificate_id": 1
 }
]');
insert into "download_attempt" overriding system value select * from jsonb_populate_recordset(null::"download_attempt", '[
 {
  "id": 1,
  "note": null,
  "uuid": "d7376806-81d6-447f-aa63-ca45d8105f85",
  "bytes": 300,
  "ended": "2026-11-29T18:19:36.867+00:00",
  "source": "http://origin.test/debian.qcow2",
  "copy_id": 1,
  "host_id": 1,
  "started": "2026-11-29T18:19:36.867+00:00",
  "evidence": null,
  "sequence": 0,
  "error_str": null,
  "host_name": "host",
  "failure_kind": null
 }
]');
insert into "event" overriding system value select * from jsonb_populate_recordset(null::"event", '[
 {
  "id": 1,
  "once": null,
  "type": "TEMPLATE.CREATE",
  "uuid": "896a7ef6-1fec-4484-9c07-222fb480031a",
  "level": "INFO",
  "state": "Completed",
  "created": "2026-11-29T18:19:36.908563+00:00",
  "user_id": 1,
  "account_id": 1,
  "description": "it''s there",
  "workflow_id": null,
  "resource_type": "VirtualMachineTemplate",
  "resource_uuid": "f5251526-2e38-4190-a597-0df51dd05d77"
 }
]');
insert into "host" overriding system value select * from jsonb_populate_recordset(null::"host", '[
 {
  "id": 1,
  "name": "host",
  "uuid": "b324c9e2-c93a-4019-a807-0cdce67ce1c3",
  "created": "2026-11-29T18:19:36.739344+00:00",
  "version": "",
  "keystore": [],
  "problems": [],
  "programs": [],
  "reported": null,
  "host_tags": [],
  "joined_at": null,
  "last_seen": null,
  "cluster_id": 1,
  "joined_run": null,
  "rate_limit": null,
  "sealing_key": "s",
  "signing_key": "s",
  "capabilities": null,
  "data_center_id": 1,
  "download_limit": null,
  "resource_state": "Enabled",
  "hypervisor_type": "KVM",
  "limits_revision": 0,
  "report_requested": null,
  "worker_heartbeat": "",
  "current_rate_limit": null,
  "private_ip_address": "",
  "current_download_limit": null
 }
]');
insert into "host_invite" overriding system value select * from jsonb_populate_recordset(null::"host_invite", '[
 {
  "uuid": "765acb1f-385f-4ccb-9189-24a054c4f512",
  "created": "2026-11-29T18:19:36.911352+00:00",
  "expires": "2026-11-30T18:19:36.911352+00:00",
  "used_by": null,
  "secret_hash": "hash",
  "data_center_id": 1
 }
]');
insert into "kysely_migration" overriding system value select * from jsonb_populate_recordset(null::"kysely_migration", '[
 {
  "name": "0001-initial.sql",
  "timestamp": "2026-11-29T18:19:35.820Z"
 }
]');
insert into "kysely_migration_lock" overriding system value select * from jsonb_populate_recordset(null::"kysely_migration_lock", '[
 {
  "id": "migration_lock",
  "is_locked": 0
 }
]');
insert into "launch_permission" overriding system value select * from jsonb_populate_recordset(null::"launch_permission", '[
 {
  "created": "2026-11-29T18:19:36.944796+00:00",
  "account_id": 1,
  "template_id": 1
 }
]');
insert into "launch_permission_name" overriding system value select * from jsonb_populate_recordset(null::"launch_permission_name", '[
 {
  "template_id": 1,
  "account_name": "nobody"
 }
]');
insert into "pool_reservation" overriding system value select * from jsonb_populate_recordset(null::"pool_reservation", '[
 {
  "bytes": 600,
  "copy_id": 1,
  "created": "2026-11-29T18:19:36.848184+00:00",
  "pool_id": 1
 }
]');
insert into "protected_endpoint" overriding system value select * from jsonb_populate_recordset(null::"protected_endpoint", '[
 {
  "seen": "2026-11-29T18:19:36.916122+00:00",
  "process": "the api",
  "endpoint": "10.0.0.5:8080"
 }
]');
insert into "resource_tag" overriding system value select * from jsonb_populate_recordset(null::"resource_tag", '[
 {
  "id": 1,
  "key": "os",
  "uuid": "a604d67f-d77e-4009-a8c1-ed944c04d642",
  "value": "debian",
  "created": "2026-11-29T18:19:36.948998+00:00",
  "template_id": 1
 }
]');
insert into "session" overriding system value select * from jsonb_populate_recordset(null::"session", '[
 {
  "id": 1,
  "created": "2026-11-29T18:19:36.950477+00:00",
  "user_id": 1,
  "key_hash": "key",
  "last_used": "2026-11-29T18:19:36.950477+00:00",
  "token_hash": "token"
 }
]');
insert into "storage_pool" overriding system value select * from jsonb_populate_recordset(null::"storage_pool", '[
 {
  "id": 1,
  "name": "pool",
  "tags": [],
  "uuid": "84d69575-937d-4c9d-a0d3-fcdcd14d3801",
  "parts": {},
  "scope": "HOST",
  "state": "Up",
  "created": "2026-11-29T18:19:36.775123+00:00",
  "reported": "2026-11-29T18:19:36.803345+00:00",
  "pool_type": "Filesystem",
  "cluster_id": 1,
  "free_bytes": 1000,
  "capacity_bytes": 2000,
  "data_center_id": 1
 }
]');
insert into "storage_pool_host_ref" overriding system value select * from jsonb_populate_recordset(null::"storage_pool_host_ref", '[
 {
  "id": 1,
  "created": "2026-11-29T18:19:36.80542+00:00",
  "host_id": 1,
  "mounted": true,
  "pool_id": 1,
  "problem": null,
  "local_path": "/pool",
  "last_updated": "2026-11-29T18:19:36.80542+00:00"
 }
]');
insert into "template_mirror" overriding system value select * from jsonb_populate_recordset(null::"template_mirror", '[
 {
  "id": 1,
  "url": "http://mirror.test/",
  "etag": null,
  "size": 600,
  "ranges": true,
  "reason": null,
  "evidence": null,
  "location": null,
  "priority": 1,
  "reachable": true,
  "template_id": 1,
  "last_modified": null
 }
]');
insert into "template_spool_ref" overriding system value select * from jsonb_populate_recordset(null::"template_spool_ref", '[
 {
  "id": 1,
  "uuid": "cc6c069e-782e-47b2-a6bf-437e554faf5e",
  "state": "Creating",
  "job_id": "deployment",
  "sha256": null,
  "created": "2026-11-29T18:19:36.815341+00:00",
  "pool_id": 1,
  "evidence": null,
  "error_str": null,
  "local_path": null,
  "template_id": 1,
  "cancelled_by": null,
  "download_pct": 0,
  "install_path": null,
  "last_updated": "2026-11-29T18:19:36.815341+00:00",
  "marked_for_gc": false,
  "physical_size": 0,
  "template_size": 600,
  "download_state": "DOWNLOAD_IN_PROGRESS"
 }
]');
insert into "template_store_ref" overriding system value select * from jsonb_populate_recordset(null::"template_store_ref", '[
 {
  "id": 1,
  "url": null,
  "size": 0,
  "state": "Ready",
  "created": "2026-11-29T18:19:36.9392+00:00",
  "store_id": null,
  "error_str": null,
  "store_role": "Image",
  "template_id": 1,
  "download_pct": 0,
  "last_updated": "2026-11-29T18:19:36.9392+00:00",
  "physical_size": 0,
  "download_state": "BYPASSED"
 }
]');
insert into "template_zone_ref" overriding system value select * from jsonb_populate_recordset(null::"template_zone_ref", '[
 {
  "id": 1,
  "created": "2026-11-29T18:19:36.937652+00:00",
  "zone_id": 1,
  "template_id": 1
 }
]');
insert into "throughput_sample" overriding system value select * from jsonb_populate_recordset(null::"throughput_sample", '[
 {
  "bytes": 300,
  "minute": "2026-11-29T18:19:00+00:00",
  "account_id": 1
 }
]');
insert into "user" overriding system value select * from jsonb_populate_recordset(null::"user", '[
 {
  "id": 1,
  "uuid": "6f0cf679-98f9-4495-8576-a9dbc0ea9724",
  "email": null,
  "state": "enabled",
  "created": "2026-11-29T18:19:36.687631+00:00",
  "removed": null,
  "lastname": null,
  "timezone": null,
  "username": "admin",
  "firstname": null,
  "account_id": 1,
  "api_key_hash": null,
  "password_hash": null,
  "api_key_sealed": null,
  "secret_key_sealed": null
 }
]');
insert into "vm_template" overriding system value select * from jsonb_populate_recordset(null::"vm_template", '[
 {
  "id": 1,
  "hvm": true,
  "url": "http://origin.test/debian.qcow2",
  "arch": "x86_64",
  "bits": 64,
  "name": "debian",
  "size": 600,
  "uuid": "f5251526-2e38-4190-a597-0df51dd05d77",
  "state": "Active",
  "zones": 1,
  "format": "QCOW2",
  "listed": 1,
  "public": false,
  "sealed": null,
  "created": "2026-11-29T18:19:36.807326+00:00",
  "removed": null,
  "updated": "2026-11-29T18:19:36.807326+00:00",
  "bootable": true,
  "checksum": null,
  "featured": false,
  "account_id": 1,
  "compression": null,
  "cross_zones": true,
  "extractable": false,
  "guest_os_id": null,
  "unique_name": "f5251526-2e38-4190-a597-0df51dd05d77",
  "display_text": "Debian",
  "template_tag": null,
  "virtual_size": 600,
  "enable_sshkey": false,
  "unpacked_size": 0,
  "direct_download": true,
  "enable_password": false,
  "hypervisor_type": "KVM",
  "metalink_digest": null,
  "dynamically_scalable": false
 }
]');
insert into "vm_template_details" overriding system value select * from jsonb_populate_recordset(null::"vm_template_details", '[
 {
  "id": 1,
  "name": "memory",
  "value": "512",
  "display": true,
  "template_id": 1
 }
]');
set session_replication_role = origin;
select setval('account_id_seq', 1);
select setval('async_job_id_seq', 1);
select setval('cluster_id_seq', 1);
select setval('data_center_details_id_seq', 1);
select setval('data_center_id_seq', 1);
select setval('direct_download_certificate_host_map_id_seq', 1);
select setval('direct_download_certificate_id_seq', 1);
select setval('download_attempt_id_seq', 1);
select setval('event_id_seq', 1);
select setval('guest_os_id_seq', 225);
select setval('host_id_seq', 1);
select setval('resource_tag_id_seq', 1);
select setval('session_id_seq', 1);
select setval('storage_pool_host_ref_id_seq', 1);
select setval('storage_pool_id_seq', 1);
select setval('template_mirror_id_seq', 1);
select setval('template_spool_ref_id_seq', 1);
select setval('template_store_ref_id_seq', 1);
select setval('template_zone_ref_id_seq', 1);
select setval('user_id_seq', 1);
select setval('vm_template_details_id_seq', 1);
select setval('vm_template_id_seq', 1);
select setval('vm_template_listed', 1);
