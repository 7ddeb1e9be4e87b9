/** How many downloads at once a host does and how fast; changed here, it holds for downloads that run as well. */
import { Button, Card, Group, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { parameterOf } from '../api/client.ts';
import { useCommand } from '../api/queries.ts';
import type { Host } from '../api/shapes.ts';
import { rate } from '../elements/quantities.ts';
import { Trouble } from '../elements/trouble.tsx';

const MIB = 1_048_576;
/** What the api takes for: as the host's own settings say. */
const OWN = -1;

/** Such as `at most 4 at once, 20.0 MiB/s`; undefined before the host has told. */
export function limitsInForce({ currentdownloadlimit, currentratelimit = 0 }: Host): string | undefined {
  if (currentdownloadlimit === undefined) return undefined;
  return `at most ${currentdownloadlimit} at once, ${currentratelimit === 0 ? 'as fast as it goes' : rate(currentratelimit)}`;
}

export function Limits({ host }: { readonly host: Host }): ReactNode {
  const { id, name, downloadlimit, ratelimit } = host;
  const [downloads, setDownloads] = useState(downloadlimit === undefined ? '' : String(downloadlimit));
  const [mib, setMib] = useState(ratelimit === undefined ? '' : String(ratelimit / MIB));
  const update = useCommand('updateHost');
  const about = parameterOf(update.error);
  const errorOf = (field: 'downloadlimit' | 'ratelimit'): string | undefined =>
    about === field ? update.error?.message : undefined;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    update.mutate(
      {
        id,
        downloadlimit: downloads === '' ? OWN : Number(downloads),
        ratelimit: mib === '' ? OWN : Math.round(Number(mib) * MIB),
      },
      { onSuccess: () => notifications.show({ message: `${name} has other limits` }) },
    );
  };
  return (
    <Card withBorder component="form" onSubmit={submit}>
      <Title order={2} size="h4" mb="xs">
        Limits
      </Title>
      <Text size="sm" mb="sm">
        In force: {limitsInForce(host) ?? 'not known yet'}.
      </Text>
      <Group align="flex-start" className="limits">
        <TextInput
          label="Downloads at once"
          description="empty: its own setting"
          type="number"
          min={1}
          max={1000}
          value={downloads}
          error={errorOf('downloadlimit')}
          onChange={(event) => setDownloads(event.currentTarget.value)}
        />
        <TextInput
          label="MiB per second"
          description="empty: its own setting; 0: no limit"
          type="number"
          min={0}
          step="any"
          value={mib}
          error={errorOf('ratelimit')}
          onChange={(event) => setMib(event.currentTarget.value)}
        />
        <Button type="submit" loading={update.isPending} className="beside-fields">
          Set
        </Button>
      </Group>
      {about !== 'downloadlimit' && about !== 'ratelimit' && <Trouble error={update.error} />}
    </Card>
  );
}
