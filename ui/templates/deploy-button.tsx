/** Chooses pools and deploys a template to them. */
import { Button, type ButtonProps, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { IconDownload } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useChanged, useList } from '../api/queries.ts';
import type { StoragePool, Template } from '../../model/api-answers.ts';
import { deploy as bring, isServed, type Place } from '../deployments/deploy.ts';
import { Dialog } from '../elements/dialog.tsx';
import { bytes } from '../elements/quantities.ts';
import { Trouble } from '../elements/trouble.tsx';
import { Waiting } from '../elements/waiting.tsx';

export interface DeployButtonProps {
  readonly template: Template;
  readonly zoneIds: readonly string[];
}

export function DeployButton({
  variant = 'filled',
  ...props
}: DeployButtonProps & Pick<ButtonProps, 'variant'>): ReactNode {
  const { template } = props;
  return (
    <Dialog
      label="Deploy"
      title={`Deploy ${template.name}`}
      variant={variant}
      disabled={!template.isready}
      leftSection={<IconDownload size={16} aria-hidden />}
    >
      {(close) => <PoolChoice {...props} onDone={close} />}
    </Dialog>
  );
}

/** Maximum number of pools in the list; a search by name finds the others. */
const MAX_POOLS = 25;

function PoolChoice({
  template,
  zoneIds,
  onDone,
}: DeployButtonProps & { readonly onDone: () => void }): ReactNode {
  const [typed, setTyped] = useState('');
  const [keyword] = useDebouncedValue(typed, 300);
  const [chosen, setChosen] = useState<readonly StoragePool[]>([]);
  const [isEvery, setIsEvery] = useState(false);
  const [only] = zoneIds;
  const { data, error } = useList<StoragePool>('listStoragePools', 'storagepool', {
    state: 'Up',
    keyword,
    ...(zoneIds.length === 1 ? { zoneid: only } : {}),
    page: 1,
    pagesize: MAX_POOLS,
  });
  const deploy = useDeploy(template, onDone);
  if (data === undefined) return error === null ? <Waiting /> : <Trouble error={error} />;
  const there = new Set(
    (template.downloaddetails ?? [])
      .filter(({ downloadState }) => downloadState === 'DOWNLOADED')
      .map(({ datastoreId }) => datastoreId),
  );
  const pools = data.rows.filter(({ zoneid }) => zoneIds.includes(zoneid));
  const open = pools.filter(({ id }) => !there.has(id));
  const isLong = data.count > MAX_POOLS || keyword !== '' || typed !== '';
  if (open.length === 0 && !isLong) {
    return (
      <Text>{pools.length === 0 ? 'No pool of its zones is up.' : 'It is on every pool of its zones.'}</Text>
    );
  }
  const choose = (ids: readonly string[]): void =>
    setChosen([
      ...chosen.filter(({ id }) => !open.some((one) => one.id === id)),
      ...open.filter(({ id }) => ids.includes(id)),
    ]);
  return (
    <Stack>
      <Checkbox
        label="All pools"
        description="every pool of its zones that a host mounts now"
        checked={isEvery}
        onChange={(event) => setIsEvery(event.currentTarget.checked)}
      />
      {isLong && (
        <TextInput
          label="Search by name"
          value={typed}
          disabled={isEvery}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <Checkbox.Group
        label="Storage pools"
        value={(isEvery ? open.filter(isServed) : chosen).map(({ id }) => id)}
        onChange={choose}
      >
        <Stack gap="xs" mt="xs">
          {open.map((pool) => (
            <Checkbox
              key={pool.id}
              value={pool.id}
              label={pool.name}
              disabled={isEvery || !isServed(pool)}
              description={
                isServed(pool)
                  ? `${bytes(Math.max(0, pool.disksizetotal - pool.disksizeused))} free`
                  : 'no host that is up mounts it'
              }
            />
          ))}
        </Stack>
      </Checkbox.Group>
      {open.length === 0 && <Text size="sm">No pool of that name is without it.</Text>}
      {data.count > MAX_POOLS && (
        <Text size="sm" c="dimmed">
          These are {pools.length} of {data.count} pools.
        </Text>
      )}
      <Trouble error={deploy.error} />
      <Group justify="flex-end">
        <Button
          disabled={chosen.length === 0 && !isEvery}
          loading={deploy.isPending}
          onClick={() =>
            deploy.mutate(
              isEvery
                ? zoneIds.map((zoneid) => ({ zoneid }))
                : zoneIds
                    .map((zoneid) => ({
                      zoneid,
                      storageids: chosen.filter((pool) => pool.zoneid === zoneid).map(({ id }) => id),
                    }))
                    .filter(({ storageids }) => storageids.length > 0),
            )
          }
        >
          Deploy{isEvery ? ' to all pools' : counted(chosen.length)}
        </Button>
      </Group>
    </Stack>
  );
}

const counted = (pools: number): string =>
  pools === 0 ? '' : ` to ${pools} ${pools === 1 ? 'pool' : 'pools'}`;

function useDeploy(template: Template, onDone: () => void) {
  const changed = useChanged();
  return useMutation({
    async mutationFn(places: readonly Place[]) {
      await bring(template.id, places);
      return places;
    },
    onSuccess(places) {
      const pools = places.flatMap(({ storageids }) => storageids ?? []).length;
      const where = pools === 0 ? 'all pools' : pools === 1 ? '1 pool' : `${pools} pools`;
      notifications.show({ message: `${template.name} is on its way to ${where}` });
      onDone();
    },
    onSettled: changed,
  });
}
