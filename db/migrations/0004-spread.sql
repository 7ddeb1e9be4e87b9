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
