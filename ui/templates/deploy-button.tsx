/** Chooses the pools that a template is brought to. */
import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import { IconDownload } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { call } from '../api/client.ts';
import { useChanged, useList } from '../api/queries.ts';
import type { Pool, Template } from '../api/shapes.ts';
import { bytes } from '../elements/quantities.ts';
import { Trouble } from '../elements/trouble.tsx';
import { Waiting } from '../elements/waiting.tsx';

export interface DeployButtonProps {
  readonly template: Template;
  readonly zoneIds: readonly string[];
}

export function DeployButton({ template, zoneIds }: DeployButtonProps): ReactNode {
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button
        onClick={open}
        disabled={!template.isready}
        leftSection={<IconDownload size={16} aria-hidden />}
      >
        Deploy
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={`Deploy ${template.name}`}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <PoolChoice template={template} zoneIds={zoneIds} onDone={close} />
      </Modal>
    </>
  );
}

/** Pools that are shown at a time; the others are found by their name. */
const SHOWN = 25;

function PoolChoice({
  template,
  zoneIds,
  onDone,
}: DeployButtonProps & { readonly onDone: () => void }): ReactNode {
  const [typed, setTyped] = useState('');
  const [keyword] = useDebouncedValue(typed, 300);
  const [chosen, setChosen] = useState<readonly Pool[]>([]);
  const [isEvery, setIsEvery] = useState(false);
  const [only] = zoneIds;
  const { data, error } = useList<Pool>('listStoragePools', 'storagepool', {
    state: 'Up',
    keyword,
    ...(zoneIds.length === 1 ? { zoneid: only } : {}),
    page: 1,
    pagesize: SHOWN,
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
  const isLong = data.count > SHOWN || keyword !== '' || typed !== '';
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
        value={(isEvery ? open : chosen).map(({ id }) => id)}
        onChange={choose}
      >
        <Stack gap="xs" mt="xs">
          {open.map((pool) => (
            <Checkbox
              key={pool.id}
              value={pool.id}
              label={pool.name}
              disabled={isEvery}
              description={`${bytes(Math.max(0, pool.disksizetotal - pool.disksizeused))} free`}
            />
          ))}
        </Stack>
      </Checkbox.Group>
      {open.length === 0 && <Text size="sm">No pool of that name is without it.</Text>}
      {data.count > SHOWN && (
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
                : chosen.map(({ id, zoneid }) => ({ zoneid, storageid: id })),
            )
          }
        >
          Deploy to {isEvery ? 'all' : chosen.length} {!isEvery && chosen.length === 1 ? 'pool' : 'pools'}
        </Button>
      </Group>
    </Stack>
  );
}

interface Place {
  readonly zoneid: string;
  /** Absent: every pool of the zone. */
  readonly storageid?: string;
}

function useDeploy(template: Template, onDone: () => void) {
  const changed = useChanged();
  return useMutation({
    async mutationFn(places: readonly Place[]) {
      for (const place of places) await call('prepareTemplate', { templateid: template.id, ...place });
      return places;
    },
    onSuccess(places) {
      const every = places.some(({ storageid }) => storageid === undefined);
      const where = every ? 'all pools' : places.length === 1 ? '1 pool' : `${places.length} pools`;
      notifications.show({ message: `${template.name} is on its way to ${where}` });
      onDone();
    },
    onSettled: changed,
  });
}
