/** Limits of a host: simultaneous downloads and rate. A change applies to running downloads as well. */
import { Button, Card, Group, Text, TextInput, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, type SubmitEvent, useRef, useState } from 'react';
import { useCommand } from '../api/queries.ts';
import type { Host } from '../../model/api-answers.ts';
import { useFocusOnRefusal } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { rate } from '../elements/quantities.ts';
import { Trouble } from '../elements/trouble.tsx';

const MIB = 1_048_576;
/** The value that restores the limit of the host's own settings. */
const OWN = -1;

/** Such as `at most 4 at once, 20.0 MiB/s`; undefined before the host's first report. */
export function limitsInForce({ currentdownloadlimit, currentratelimit = 0 }: Host): string | undefined {
  if (currentdownloadlimit === undefined) return undefined;
  return `at most ${currentdownloadlimit} at once, ${currentratelimit === 0 ? 'no speed limit' : rate(currentratelimit)}`;
}

export function Limits({ host }: { readonly host: Host }): ReactNode {
  const { id, name, downloadlimit, ratelimit } = host;
  const [downloads, setDownloads] = useState(downloadlimit === undefined ? '' : String(downloadlimit));
  const [mib, setMib] = useState(ratelimit === undefined ? '' : String(ratelimit / MIB));
  const update = useCommand('updateHost');
  const refusal = refusalOf(update.error, ['downloadlimit', 'ratelimit']);
  const form = useRef<HTMLFormElement>(null);
  useFocusOnRefusal(form, update.error);
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
    <Card withBorder component="form" ref={form} onSubmit={submit}>
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
          error={refusal.of('downloadlimit')}
          onChange={(event) => setDownloads(event.currentTarget.value)}
        />
        <TextInput
          label="MiB per second"
          description="empty: its own setting; 0: no limit"
          type="number"
          min={0}
          step="any"
          value={mib}
          error={refusal.of('ratelimit')}
          onChange={(event) => setMib(event.currentTarget.value)}
        />
        <Button type="submit" loading={update.isPending} className="beside-fields">
          Set
        </Button>
      </Group>
      <Trouble error={refusal.rest} evenIfLost />
    </Card>
  );
}
