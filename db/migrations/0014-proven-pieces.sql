-- Hashes of pieces are proven when two hosts have found them right.

alter table image_pieces
  -- UUID of the host that computed them.
  add column given_by uuid,
  -- Whether another host has found them right, too: only then a host that gives other pieces is wrong.
  add column proven boolean not null default false;
