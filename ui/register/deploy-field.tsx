/** The pools to which a template is deployed after its registration. */
import { MultiSelect } from '@mantine/core';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import type { StoragePool, Template } from '../../model/api-answers.ts';
import { isServed, type Place } from '../deployments/deploy.ts';
import { ALL_POOLS, type RegisterForm } from './form.ts';

/** Maximum number of entries in the list; typing filters them. */
const MAX_ENTRIES = 50;

export interface DeployFieldProps {
  readonly form: RegisterForm;
  readonly change: (changes: Partial<RegisterForm>) => void;
}

export function DeployField({ form, change }: DeployFieldProps): ReactNode {
  const pools = useList<StoragePool>('listStoragePools', 'storagepool', { state: 'Up' }).data?.rows ?? [];
  const isIn = ({ zoneid }: StoragePool): boolean => form.zones.length === 0 || form.zones.includes(zoneid);
  const open = pools.filter((pool) => isServed(pool) && isIn(pool));
  const choices = [
    { value: ALL_POOLS, label: 'All pools of its zones' },
    ...open.map(({ id, zoneid, name }) => ({ value: `${zoneid} ${id}`, label: name })),
  ];
  return (
    <MultiSelect
      label="Then deploy to"
      description="nowhere yet, when none is chosen"
      data={choices}
      limit={MAX_ENTRIES}
      searchable
      clearable
      value={form.pools.filter((chosen) => choices.some(({ value }) => value === chosen))}
      onChange={(chosen) => change({ pools: chosen.at(-1) === ALL_POOLS ? [ALL_POOLS] : withoutAll(chosen) })}
    />
  );
}

const withoutAll = (chosen: readonly string[]): readonly string[] =>
  chosen.filter((one) => one !== ALL_POOLS);

/** @param rows rows of the template, one per zone */
export function placesOf(pools: readonly string[], rows: readonly Template[]): readonly Place[] {
  if (pools.includes(ALL_POOLS)) {
    return rows.flatMap(({ zoneid }) => (zoneid === undefined ? [] : [{ zoneid }]));
  }
  return pools.map((pool) => {
    const [zoneid = '', storageid = ''] = pool.split(' ');
    return { zoneid, storageids: [storageid] };
  });
}
