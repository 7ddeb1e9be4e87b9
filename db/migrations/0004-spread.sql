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
