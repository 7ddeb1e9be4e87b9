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
