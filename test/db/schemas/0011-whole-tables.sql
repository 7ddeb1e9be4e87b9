
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

-- What failed, as one word, and the host that it is about, beside sentences that name no host: only administrators see hosts.
-- A host is {"id": UUID, "name": TEXT}; its name is kept, since hosts can be deleted.

alter table template_spool_ref add column error_kind text, add column error_host jsonb;
alter table async_job_copy add column error_kind text, add column error_host jsonb;
alter table event add column host jsonb;

-- Spread: hosts fetch images from each other.
-- Columns named *_sealed hold text encrypted with the master key (trust/at-rest.ts).

-- By what hosts know each other: authorities that certify hosts, and the key that signs tickets.
create table peer_key (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  purpose text not null check (purpose in ('authority', 'tickets')),
  -- PEM of an authority's certificate; the JWK of tickets.
  public_part text not null,
  key_sealed text not null,
  created timestamptz not null default now(),
  -- Null: it does not end.
  expires timestamptz
);
create unique index peer_key_of_tickets on peer_key (purpose) where purpose = 'tickets';

-- The door of a host (model/spread.ts, PeerReport); null: it serves no copies to others.
alter table host add column peer jsonb;

-- From whom each copy comes. A host that downloads a copy now serves its part; a host that has a Ready copy serves the file.

alter table template_spool_ref
  -- Where the attempt that runs now fetches; null: none runs.
  add column fetching text check (fetching in ('origin', 'peer')),
  -- The host of that attempt, or of the attempt that made the copy ready.
  add column fetch_host_id bigint references host on delete set null,
  -- The copy, and its host, from which the latest attempt fetches or fetched; null: the origin, or a parent that is gone.
  add column parent_copy_id bigint references template_spool_ref on delete set null,
  add column parent_host_id bigint references host on delete set null,
  -- Hosts between the latest attempt and the origin; null: none was chosen yet.
  add column depth integer check (depth >= 0),
  -- Fetched bytes of all attempts, by where they came from.
  add column origin_bytes bigint not null default 0,
  add column peer_bytes bigint not null default 0,
  -- The fetch from an origin that the bytes come from; null where it is not known.
  add column lineage uuid,
  -- When the copy last asked for a source and had to wait, and how urgently it is wanted; null: it does not wait.
  add column source_asked timestamptz,
  add column source_priority integer;
-- Everything was fetched from the origin until now.
update template_spool_ref set depth = 0 where state = 'Ready';
create index template_spool_ref_depth on template_spool_ref (template_id, depth, id) where depth is not null;
create index template_spool_ref_origin on template_spool_ref (template_id) where fetching = 'origin';
create index template_spool_ref_asked on template_spool_ref (template_id) where source_asked is not null;
create index template_spool_ref_parent on template_spool_ref (parent_copy_id) where fetching = 'peer';
create index template_spool_ref_parent_host on template_spool_ref (parent_host_id) where fetching = 'peer';

-- Hosts that gave wrong bytes of a copy. They are not asked for it again.

create table copy_wrong_peer (
  copy_id bigint not null references template_spool_ref on delete cascade,
  host_id bigint not null references host on delete cascade,
  created timestamptz not null default now(),
  primary key (copy_id, host_id)
);

-- SHA-256 of the image of each lineage, by the first copy of it that was published. No other is accepted.

create table image_lineage (
  lineage uuid primary key,
  template_id bigint not null references vm_template on delete cascade,
  sha256 text not null,
  created timestamptz not null default now()
);

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

-- Roll-outs: one job of prepareTemplate for many pools, whose copies are begun some at a time.

create table template_rollout (
  -- Its id is that of the job, with which it goes.
  job_id bigint primary key references async_job on delete cascade,
  template_id bigint not null references vm_template on delete cascade,
  zone_id bigint not null references data_center on delete cascade,
  -- What its pools were chosen by when it was asked for.
  selection text not null check (selection in ('zone', 'cluster', 'pools', 'tag')),
  -- The cluster and the tag where they chose the pools.
  cluster_id bigint references cluster on delete set null,
  tag text,
  -- Host and port of the template's URL.
  origin text not null,
  -- The most copies at a time; null: as the settings of the zone say.
  at_once integer check (at_once > 0),
  state text not null default 'Running' check (state in ('Running', 'Paused', 'Cancelled')),
  cancelled_by text
);
create index template_rollout_template on template_rollout (template_id);
create index template_rollout_zone on template_rollout (zone_id);

alter table async_job_copy
  -- Of a roll-out. queued: not begun; due: to be begun now; begun: its workflow was requested; stopping: it was begun when the
  -- roll-out was cancelled. Null: of another job, which begins all its copies at once.
  add column turn text check (turn in ('queued', 'due', 'begun', 'stopping')),
  add column begun timestamptz;
create index async_job_copy_turn on async_job_copy (job_id, turn) where settled is null and turn is not null;

-- Upkeep of pools: what their files are, and copies that nobody uses.

alter table storage_pool
  -- When a look at its files was begun last, and when one was completed last; null: never.
  add column look_begun timestamptz,
  add column looked timestamptz;

-- Since when no virtual machine uses the copy and nobody has asked for it, as far as looks found; null: it is in use, was asked
-- for after the last look, or there was none.
alter table template_spool_ref add column idle_since timestamptz;

-- What the last look found on a pool that no row needs.
create table storage_pool_file (
  id bigint generated always as identity primary key,
  uuid uuid not null unique default gen_random_uuid(),
  pool_id bigint not null references storage_pool on delete cascade,
  -- Relative to the pool's root.
  name text not null,
  finding text not null check (finding in ('leftover', 'unknown')),
  -- What its name says, and the id in it (model/pool-files.ts).
  role text not null,
  subject uuid,
  file_type text not null,
  size bigint not null,
  physical_size bigint not null,
  inode text not null,
  modified timestamptz not null,
  -- When a look found it first.
  found timestamptz not null default now(),
  -- The look that found it last.
  look uuid not null,
  -- Whether an event has told of it.
  reported boolean not null default false,
  unique (pool_id, name)
);

create index async_job_of_pool on async_job (instance_uuid, id) where job_status = 0 and instance_type = 'StoragePool';

-- How many calls, and failed logins, were counted in the present window of each caller, for all apis together. A crash of
-- PostgreSQL may empty it: then each window begins anew.

create unlogged table call_count (
  -- 'calls' or 'logins'
  kind text not null,
  -- SHA-256 of the user, or of the name and the address of a login
  caller text not null,
  window_ends timestamptz not null,
  issued integer not null,
  primary key (kind, caller)
);

-- Copies are verified anew from time to time.
alter table template_spool_ref
  -- When its file was last found to be the image that was published; null: it was not published.
  add column verified timestamptz,
  -- When a host was last asked to verify it because it was time.
  add column verification_asked timestamptz,
  -- When another download was last begun to replace its damaged file.
  add column healing_begun timestamptz;
update template_spool_ref set verified = last_updated where state = 'Ready';
create index template_spool_ref_verified on template_spool_ref (verified) where state = 'Ready' and error_kind is null;
create index template_spool_ref_damaged on template_spool_ref (id) where state = 'Ready' and error_kind is not null;

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

set session_replication_role = replica;
insert into "account" overriding system value select * from jsonb_populate_recordset(null::"account", '[
 {
  "id": 1,
  "role": "admin",
  "uuid": "80a880fa-1c5d-4c46-958b-a9836f03718c",
  "state": "enabled",
  "created": "2026-11-30T22:16:08.562125+00:00",
  "removed": null,
  "cpu_limit": null,
  "account_name": "admin",
  "memory_limit": null,
  "volume_limit": null,
  "user_vm_limit": null,
  "template_limit": null,
  "primary_storage_limit": null
 }
]');
insert into "async_job" overriding system value select * from jsonb_populate_recordset(null::"async_job", '[
 {
  "id": 1,
  "uuid": "c0cfeed1-de9f-4090-9e92-2c22bf9ed91c",
  "created": "2026-11-30T22:16:08.644967+00:00",
  "job_cmd": "prepareTemplate",
  "user_id": 1,
  "completed": null,
  "account_id": 1,
  "job_params": null,
  "job_result": null,
  "job_status": 0,
  "instance_type": "Template",
  "instance_uuid": "1be08859-886d-46ec-b9b8-45a704ce9aba",
  "job_result_code": 0
 }
]');
insert into "async_job_copy" overriding system value select * from jsonb_populate_recordset(null::"async_job_copy", '[
 {
  "turn": null,
  "begun": null,
  "job_id": 1,
  "settled": null,
  "error_str": null,
  "pool_uuid": "84add2e0-72d8-4ddd-b359-c3d4ff9a6c37",
  "error_code": null,
  "error_host": null,
  "error_kind": null,
  "template_uuid": "1be08859-886d-46ec-b9b8-45a704ce9aba"
 }
]');
insert into "call_count" overriding system value select * from jsonb_populate_recordset(null::"call_count", '[
 {
  "kind": "calls",
  "caller": "hash",
  "issued": 1,
  "window_ends": "2040-01-01T00:00:00+00:00"
 }
]');
insert into "cluster" overriding system value select * from jsonb_populate_recordset(null::"cluster", '[
 {
  "id": 1,
  "name": "cluster",
  "uuid": "aabdeca0-524e-4163-8ad1-709221a6bf28",
  "created": "2026-11-30T22:16:08.568301+00:00",
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
  "updated": "2026-11-30T22:16:08.697937+00:00"
 }
]');
insert into "copy_wrong_peer" overriding system value select * from jsonb_populate_recordset(null::"copy_wrong_peer", '[
 {
  "copy_id": 1,
  "created": "2026-11-30T22:16:08.75026+00:00",
  "host_id": 1
 }
]');
insert into "counted_attempt" overriding system value select * from jsonb_populate_recordset(null::"counted_attempt", '[
 {
  "bytes": 300,
  "attempt": "049c6d39-94dc-4677-830f-cc96d4a492bb",
  "counted": "2026-11-30T22:16:08.635675+00:00",
  "account_id": 1
 }
]');
insert into "data_center" overriding system value select * from jsonb_populate_recordset(null::"data_center", '[
 {
  "id": 1,
  "dns1": null,
  "dns2": null,
  "name": "zone",
  "uuid": "93cf97f1-a028-438d-9912-619ee9ffadba",
  "domain": null,
  "created": "2026-11-30T22:16:08.566937+00:00",
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
  "uuid": "f040cd7d-dcbf-4c86-90a8-d47ed16f740f",
  "alias": "mirror",
  "digest": "d",
  "created": "2026-11-30T22:16:08.718181+00:00",
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
  "last_updated": "2026-11-30T22:16:08.719402+00:00",
  "certificate_id": 1
 }
]');
insert into "download_attempt" overriding system value select * from jsonb_populate_recordset(null::"download_attempt", '[
 {
  "id": 1,
  "note": null,
  "uuid": "049c6d39-94dc-4677-830f-cc96d4a492bb",
  "bytes": 300,
  "ended": "2026-11-30T22:16:08.627+00:00",
  "source": "http://origin.test/debian.qcow2",
  "copy_id": 1,
  "host_id": 1,
  "started": "2026-11-30T22:16:08.627+00:00",
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
  "host": null,
  "once": null,
  "type": "TEMPLATE.CREATE",
  "uuid": "5b8de38f-5be5-4475-91b5-49c940505649",
  "level": "INFO",
  "state": "Completed",
  "created": "2026-11-30T22:16:08.683007+00:00",
  "user_id": 1,
  "account_id": 1,
  "description": "it''s there",
  "workflow_id": null,
  "resource_type": "VirtualMachineTemplate",
  "resource_uuid": "1be08859-886d-46ec-b9b8-45a704ce9aba"
 }
]');
insert into "host" overriding system value select * from jsonb_populate_recordset(null::"host", '[
 {
  "id": 1,
  "name": "host",
  "peer": null,
  "uuid": "cb7eda53-82e9-4020-b101-fca2e9111dcd",
  "created": "2026-11-30T22:16:08.571478+00:00",
  "version": "",
  "keystore": [],
  "problems": [],
  "programs": [],
  "reported": null,
  "host_tags": [],
  "joined_at": null,
  "last_seen": null,
  "cluster_id": 1,
  "hypervisor": null,
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
  "domains_reported": null,
  "report_requested": null,
  "worker_heartbeat": "",
  "current_rate_limit": null,
  "private_ip_address": "",
  "current_download_limit": null
 }
]');
insert into "host_invite" overriding system value select * from jsonb_populate_recordset(null::"host_invite", '[
 {
  "uuid": "a8c4c556-54e4-4323-811d-fafde027100f",
  "created": "2026-11-30T22:16:08.686776+00:00",
  "expires": "2026-12-01T22:16:08.686776+00:00",
  "used_by": null,
  "secret_hash": "hash",
  "data_center_id": 1
 }
]');
insert into "image_lineage" overriding system value select * from jsonb_populate_recordset(null::"image_lineage", '[
 {
  "sha256": "abababababababababababababababababababababababababababababababab",
  "created": "2026-11-30T22:16:08.755196+00:00",
  "lineage": "edc04c4d-69f9-4be9-bf9a-6e7f5728451e",
  "template_id": 1
 }
]');
insert into "instance_group" overriding system value select * from jsonb_populate_recordset(null::"instance_group", '[
 {
  "id": 1,
  "name": "web",
  "uuid": "d3eb1da0-068c-4830-809e-374c490438dc",
  "created": "2026-11-30T22:16:08.724736+00:00",
  "account_id": 1
 }
]');
insert into "kysely_migration" overriding system value select * from jsonb_populate_recordset(null::"kysely_migration", '[
 {
  "name": "0001-initial.sql",
  "timestamp": "2026-11-30T22:16:08.220Z"
 },
 {
  "name": "0002-virtual-machines.sql",
  "timestamp": "2026-11-30T22:16:08.277Z"
 },
 {
  "name": "0003-failures-as-data.sql",
  "timestamp": "2026-11-30T22:16:08.279Z"
 },
 {
  "name": "0004-spread.sql",
  "timestamp": "2026-11-30T22:16:08.301Z"
 },
 {
  "name": "0005-restored-databases.sql",
  "timestamp": "2026-11-30T22:16:08.307Z"
 },
 {
  "name": "0006-rollouts.sql",
  "timestamp": "2026-11-30T22:16:08.313Z"
 },
 {
  "name": "0007-pool-files.sql",
  "timestamp": "2026-11-30T22:16:08.321Z"
 },
 {
  "name": "0008-call-counts.sql",
  "timestamp": "2026-11-30T22:16:08.323Z"
 },
 {
  "name": "0009-verification.sql",
  "timestamp": "2026-11-30T22:16:08.325Z"
 },
 {
  "name": "0010-fleet.sql",
  "timestamp": "2026-11-30T22:16:08.337Z"
 },
 {
  "name": "0011-whole-tables.sql",
  "timestamp": "2026-11-30T22:16:08.395Z"
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
  "created": "2026-11-30T22:16:08.705169+00:00",
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
insert into "network_tag" overriding system value select * from jsonb_populate_recordset(null::"network_tag", '[
 {
  "id": 1,
  "key": "use",
  "uuid": "57f4d1dd-63e1-4996-931f-df7ef75b53e5",
  "value": "web",
  "created": "2026-11-30T22:16:08.739307+00:00",
  "network_id": 1
 }
]');
insert into "networks" overriding system value select * from jsonb_populate_recordset(null::"networks", '[
 {
  "id": 1,
  "cidr": null,
  "name": "lan",
  "uuid": "c66eb946-1337-45b7-bb7a-94b4e4b5137f",
  "vlan": null,
  "end_ip": null,
  "created": "2026-11-30T22:16:08.737641+00:00",
  "gateway": null,
  "netmask": null,
  "removed": null,
  "acl_type": "Account",
  "ip6_cidr": null,
  "start_ip": null,
  "account_id": 1,
  "ip6_gateway": null,
  "display_text": "lan",
  "host_network": "lan",
  "data_center_id": 1,
  "network_domain": null,
  "network_offering_id": 1
 }
]');
insert into "nics" overriding system value select * from jsonb_populate_recordset(null::"nics", '[
 {
  "id": 1,
  "uuid": "ce1ea902-5791-4351-b898-70af8f3b85a5",
  "vm_id": 1,
  "created": "2026-11-30T22:16:08.740303+00:00",
  "removed": null,
  "device_id": 0,
  "network_id": 1,
  "default_nic": true,
  "ip4_address": null,
  "ip6_address": null,
  "mac_address": "02:00:00:00:00:01",
  "addresses_given": false
 }
]');
insert into "peer_key" overriding system value select * from jsonb_populate_recordset(null::"peer_key", '[
 {
  "id": 1,
  "uuid": "52726090-e028-44af-9c4e-ef77377064f0",
  "created": "2026-11-30T22:16:08.748414+00:00",
  "expires": null,
  "purpose": "authority",
  "key_sealed": "sealed",
  "public_part": "PEM"
 }
]');
insert into "peer_list" overriding system value select * from jsonb_populate_recordset(null::"peer_list", '[
 {
  "told": "2026-11-30T22:16:08.749236+00:00",
  "digest": "digest",
  "zone_id": 1,
  "host_ids": [
   "cb7eda53-82e9-4020-b101-fca2e9111dcd"
  ]
 }
]');
insert into "pool_reservation" overriding system value select * from jsonb_populate_recordset(null::"pool_reservation", '[
 {
  "bytes": 600,
  "copy_id": 1,
  "created": "2026-11-30T22:16:08.620987+00:00",
  "pool_id": 1
 }
]');
insert into "protected_endpoint" overriding system value select * from jsonb_populate_recordset(null::"protected_endpoint", '[
 {
  "seen": "2026-11-30T22:16:08.688149+00:00",
  "process": "the api",
  "endpoint": "10.0.0.5:8080"
 }
]');
insert into "resource_tag" overriding system value select * from jsonb_populate_recordset(null::"resource_tag", '[
 {
  "id": 1,
  "key": "os",
  "uuid": "1cdc601f-fc86-4f7d-822d-1815f9352a28",
  "value": "debian",
  "created": "2026-11-30T22:16:08.708793+00:00",
  "template_id": 1
 }
]');
insert into "service_offering_zone" overriding system value select * from jsonb_populate_recordset(null::"service_offering_zone", '[
 {
  "zone_id": 1,
  "service_offering_id": 1
 }
]');
insert into "session" overriding system value select * from jsonb_populate_recordset(null::"session", '[
 {
  "id": 1,
  "created": "2026-11-30T22:16:08.710067+00:00",
  "user_id": 1,
  "key_hash": "key",
  "last_used": "2026-11-30T22:16:08.710067+00:00",
  "token_hash": "token"
 }
]');
insert into "ssh_keypair" overriding system value select * from jsonb_populate_recordset(null::"ssh_keypair", '[
 {
  "id": 1,
  "name": "web",
  "uuid": "95313b84-7cdf-431a-9e58-b7744216cade",
  "created": "2026-11-30T22:16:08.72258+00:00",
  "account_id": 1,
  "public_key": "ssh-ed25519 AAAA",
  "fingerprint": "00:11"
 }
]');
insert into "storage_pool" overriding system value select * from jsonb_populate_recordset(null::"storage_pool", '[
 {
  "id": 1,
  "name": "pool",
  "tags": [],
  "uuid": "84add2e0-72d8-4ddd-b359-c3d4ff9a6c37",
  "parts": {},
  "scope": "HOST",
  "state": "Up",
  "looked": null,
  "created": "2026-11-30T22:16:08.575803+00:00",
  "reported": "2026-11-30T22:16:08.580402+00:00",
  "pool_type": "Filesystem",
  "cluster_id": 1,
  "free_bytes": 1000,
  "look_begun": null,
  "capacity_bytes": 2000,
  "data_center_id": 1
 }
]');
insert into "storage_pool_file" overriding system value select * from jsonb_populate_recordset(null::"storage_pool_file", '[
 {
  "id": 1,
  "look": "a7ebbe4e-d59f-4429-84d8-a9caa92d9650",
  "name": "notes.txt",
  "role": "other",
  "size": 12,
  "uuid": "f7705b72-e2d9-4182-b30f-fd0109e5a092",
  "found": "2026-11-30T22:16:08.761331+00:00",
  "inode": "7",
  "finding": "unknown",
  "pool_id": 1,
  "subject": null,
  "modified": "2026-01-01T00:00:00+00:00",
  "reported": false,
  "file_type": "file",
  "physical_size": 4096
 }
]');
insert into "storage_pool_host_ref" overriding system value select * from jsonb_populate_recordset(null::"storage_pool_host_ref", '[
 {
  "id": 1,
  "created": "2026-11-30T22:16:08.583836+00:00",
  "host_id": 1,
  "mounted": true,
  "pool_id": 1,
  "problem": null,
  "local_path": "/pool",
  "last_updated": "2026-11-30T22:16:08.583836+00:00"
 }
]');
insert into "stray_domain" overriding system value select * from jsonb_populate_recordset(null::"stray_domain", '[
 {
  "host_id": 1,
  "vm_uuid": "3029ff6a-4238-41ca-9d60-d45d5942153c"
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
insert into "template_rollout" overriding system value select * from jsonb_populate_recordset(null::"template_rollout", '[
 {
  "tag": null,
  "state": "Running",
  "job_id": 1,
  "origin": "origin.test:80",
  "at_once": null,
  "zone_id": 1,
  "selection": "zone",
  "cluster_id": null,
  "template_id": 1,
  "cancelled_by": null
 }
]');
insert into "template_spool_ref" overriding system value select * from jsonb_populate_recordset(null::"template_spool_ref", '[
 {
  "id": 1,
  "uuid": "44289cf1-2f7a-4291-a100-23f943e67f75",
  "depth": null,
  "state": "Creating",
  "job_id": "deployment",
  "sha256": null,
  "created": "2026-11-30T22:16:08.59289+00:00",
  "lineage": null,
  "pool_id": 1,
  "evidence": null,
  "fetching": null,
  "verified": null,
  "error_str": null,
  "error_host": null,
  "error_kind": null,
  "idle_since": null,
  "local_path": null,
  "peer_bytes": 0,
  "template_id": 1,
  "cancelled_by": null,
  "download_pct": 0,
  "install_path": null,
  "last_updated": "2026-11-30T22:16:08.59289+00:00",
  "origin_bytes": 300,
  "source_asked": null,
  "fetch_host_id": null,
  "healing_begun": null,
  "marked_for_gc": false,
  "physical_size": 0,
  "template_size": 600,
  "download_state": "DOWNLOAD_IN_PROGRESS",
  "parent_copy_id": null,
  "parent_host_id": null,
  "source_priority": null,
  "verification_asked": null
 }
]');
insert into "template_store_ref" overriding system value select * from jsonb_populate_recordset(null::"template_store_ref", '[
 {
  "id": 1,
  "url": null,
  "size": 0,
  "state": "Ready",
  "created": "2026-11-30T22:16:08.7024+00:00",
  "store_id": null,
  "error_str": null,
  "store_role": "Image",
  "template_id": 1,
  "download_pct": 0,
  "last_updated": "2026-11-30T22:16:08.7024+00:00",
  "physical_size": 0,
  "download_state": "BYPASSED"
 }
]');
insert into "template_zone_ref" overriding system value select * from jsonb_populate_recordset(null::"template_zone_ref", '[
 {
  "id": 1,
  "created": "2026-11-30T22:16:08.701042+00:00",
  "zone_id": 1,
  "template_id": 1
 }
]');
insert into "throughput_sample" overriding system value select * from jsonb_populate_recordset(null::"throughput_sample", '[
 {
  "bytes": 300,
  "minute": "2026-11-30T22:16:00+00:00",
  "account_id": 1
 }
]');
insert into "user" overriding system value select * from jsonb_populate_recordset(null::"user", '[
 {
  "id": 1,
  "uuid": "2ea3b767-3a81-40ec-8ab0-3439ad08aaf7",
  "email": null,
  "state": "enabled",
  "created": "2026-11-30T22:16:08.564763+00:00",
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
insert into "user_data" overriding system value select * from jsonb_populate_recordset(null::"user_data", '[
 {
  "id": 1,
  "name": "web",
  "uuid": "22df480b-1de5-495a-b73a-18e857e791ce",
  "params": null,
  "created": "2026-11-30T22:16:08.72376+00:00",
  "account_id": 1,
  "user_data_sealed": "sealed"
 }
]');
insert into "vm_instance" overriding system value select * from jsonb_populate_recordset(null::"vm_instance", '[
 {
  "id": 1,
  "cpu": 1,
  "name": "web1",
  "uuid": "6b1831a8-3b63-476a-924f-348304f73fbd",
  "phase": null,
  "speed": 500,
  "state": "Running",
  "iso_id": null,
  "created": "2026-11-30T22:16:08.725874+00:00",
  "details": {},
  "host_id": 1,
  "removed": null,
  "seed_id": "d7bc84a2-10a2-432e-91be-786371252cd9",
  "updated": "2026-11-30T22:16:08.725874+00:00",
  "user_id": 1,
  "ram_size": 512,
  "boot_mode": "LEGACY",
  "boot_type": "BIOS",
  "destroyed": null,
  "error_str": null,
  "account_id": 1,
  "display_vm": true,
  "error_kind": null,
  "generation": 0,
  "ha_enabled": false,
  "guest_os_id": null,
  "power_state": "PowerOn",
  "public_keys": [],
  "template_id": 1,
  "display_name": "web1",
  "last_host_id": null,
  "power_reason": null,
  "user_data_id": 1,
  "instance_name": "i-1-1-VM",
  "keypair_names": [
   "web"
  ],
  "data_center_id": 1,
  "wanted_host_id": null,
  "user_data_sealed": null,
  "delete_protection": false,
  "instance_group_id": 1,
  "wanted_cluster_id": null,
  "power_state_updated": null,
  "service_offering_id": 1,
  "vnc_password_sealed": "sealed",
  "dynamically_scalable": false,
  "user_data_details_sealed": null
 }
]');
insert into "vm_tag" overriding system value select * from jsonb_populate_recordset(null::"vm_tag", '[
 {
  "id": 1,
  "key": "role",
  "uuid": "4aa5f406-4fd5-4b9c-b5ac-260b8b8fdb99",
  "value": "web",
  "vm_id": 1,
  "created": "2026-11-30T22:16:08.746764+00:00"
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
  "uuid": "1be08859-886d-46ec-b9b8-45a704ce9aba",
  "state": "Active",
  "zones": 1,
  "format": "QCOW2",
  "listed": 1,
  "public": false,
  "sealed": null,
  "created": "2026-11-30T22:16:08.586864+00:00",
  "removed": null,
  "updated": "2026-11-30T22:16:08.586864+00:00",
  "bootable": true,
  "checksum": null,
  "featured": false,
  "account_id": 1,
  "compression": null,
  "cross_zones": true,
  "extractable": false,
  "guest_os_id": null,
  "unique_name": "1be08859-886d-46ec-b9b8-45a704ce9aba",
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
insert into "volumes" overriding system value select * from jsonb_populate_recordset(null::"volumes", '[
 {
  "id": 1,
  "name": "ROOT-1",
  "size": 600,
  "uuid": "b8b5ad8d-79c9-4f2c-9f71-de76ab6c9fc1",
  "state": "Ready",
  "vm_id": 1,
  "created": "2026-11-30T22:16:08.732872+00:00",
  "pool_id": 1,
  "removed": null,
  "device_id": 0,
  "account_id": 1,
  "template_id": 1,
  "volume_type": "ROOT",
  "physical_size": 0,
  "data_center_id": 1,
  "disk_offering_id": null,
  "provisioning_type": "thin"
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
select setval('disk_offering_id_seq', 1);
select setval('download_attempt_id_seq', 1);
select setval('event_id_seq', 1);
select setval('guest_os_id_seq', 225);
select setval('host_id_seq', 1);
select setval('instance_group_id_seq', 1);
select setval('network_offerings_id_seq', 3);
select setval('network_tag_id_seq', 1);
select setval('networks_id_seq', 1);
select setval('nics_id_seq', 1);
select setval('peer_key_id_seq', 1);
select setval('resource_tag_id_seq', 1);
select setval('service_offering_id_seq', 2);
select setval('session_id_seq', 1);
select setval('ssh_keypair_id_seq', 1);
select setval('storage_pool_file_id_seq', 1);
select setval('storage_pool_host_ref_id_seq', 1);
select setval('storage_pool_id_seq', 1);
select setval('template_mirror_id_seq', 1);
select setval('template_spool_ref_id_seq', 1);
select setval('template_store_ref_id_seq', 1);
select setval('template_zone_ref_id_seq', 1);
select setval('user_data_id_seq', 1);
select setval('user_id_seq', 1);
select setval('vm_instance_id_seq', 1);
select setval('vm_tag_id_seq', 1);
select setval('vm_template_details_id_seq', 1);
select setval('vm_template_id_seq', 1);
select setval('vm_template_listed', 1);
select setval('volumes_id_seq', 1);
