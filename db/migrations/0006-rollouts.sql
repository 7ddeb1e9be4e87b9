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
