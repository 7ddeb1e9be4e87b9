/** Chooses the pools that a template is brought to. */
import { Button, Checkbox, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconDownload } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { call } from '../api/client.ts';
import { useList } from '../api/queries.ts';
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

function PoolChoice({
  template,
  zoneIds,
  onDone,
}: DeployButtonProps & { readonly onDone: () => void }): ReactNode {
  const { data, error } = useList<Pool>('listStoragePools', 'storagepool');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const deploy = useDeploy(template, onDone);
  if (data === undefined) return error === null ? <Waiting /> : <Trouble error={error} />;
  const pools = data.rows.filter(({ zoneid, state }) => state === 'Up' && zoneIds.includes(zoneid));
  const there = new Set(
    (template.downloaddetails ?? [])
      .filter(({ downloadState }) => downloadState === 'DOWNLOADED')
      .map(({ datastoreId }) => datastoreId),
  );
  const open = pools.filter(({ id }) => !there.has(id));
  if (open.length === 0) {
    return (
      <Text>{pools.length === 0 ? 'No pool of its zones is up.' : 'It is on every pool of its zones.'}</Text>
    );
  }
  return (
    <Stack>
      <Checkbox
        label="All pools"
        checked={chosen.length === open.length}
        indeterminate={chosen.length > 0 && chosen.length < open.length}
        onChange={(event) => setChosen(event.currentTarget.checked ? open.map(({ id }) => id) : [])}
      />
      <Checkbox.Group label="Storage pools" value={[...chosen]} onChange={setChosen}>
        <Stack gap="xs" mt="xs">
          {open.map((pool) => (
            <Checkbox
              key={pool.id}
              value={pool.id}
              label={pool.name}
              description={`${bytes(Math.max(0, pool.disksizetotal - pool.disksizeused))} free`}
            />
          ))}
        </Stack>
      </Checkbox.Group>
      <Trouble error={deploy.error} />
      <Group justify="flex-end">
        <Button
          disabled={chosen.length === 0}
          loading={deploy.isPending}
          onClick={() => deploy.mutate(open.filter(({ id }) => chosen.includes(id)))}
        >
          Deploy to {chosen.length} {chosen.length === 1 ? 'pool' : 'pools'}
        </Button>
      </Group>
    </Stack>
  );
}

function useDeploy(template: Template, onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    async mutationFn(pools: readonly Pool[]) {
      for (const { id, zoneid } of pools) {
        await call('prepareTemplate', { templateid: template.id, zoneid, storageid: id });
      }
      return pools.length;
    },
    onSuccess(count) {
      notifications.show({
        message: `${template.name} is on its way to ${count} ${count === 1 ? 'pool' : 'pools'}`,
      });
      onDone();
    },
    onSettled: () => queries.invalidateQueries(),
  });
}
