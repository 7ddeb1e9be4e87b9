-- Sweeps look at so many zones and roll-outs at a time: those first whose last look was the longest ago.
alter table data_center add column swept timestamptz;
alter table template_rollout add column swept timestamptz;
