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
