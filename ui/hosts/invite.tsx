/** A one-time token with which a new host joins. */
import { Code, List, NativeSelect, NumberInput, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useCommand, useList } from '../api/queries.ts';
import type { Zone } from '../../model/api-answers.ts';
import { Dialog } from '../elements/dialog.tsx';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ShownOnce } from '../elements/shown-once.tsx';
import { Time } from '../elements/time.tsx';

interface Invite {
  readonly hostinvite: { readonly token: string; readonly expires: string };
}

export const InviteHost = (): ReactNode => (
  <Dialog label="Invite a host" title="Invite a host" leftSection={<IconPlus size={16} aria-hidden />}>
    {() => <InviteForm />}
  </Dialog>
);

const HOURS = 24;

function InviteForm(): ReactNode {
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const [zoneid, setZone] = useState('');
  const [hours, setHours] = useState<string | number>(HOURS);
  const invite = useCommand<Invite>('createHostInvite');
  const refusal = refusalOf(invite.error, ['zoneid', 'expireshours']);
  if (invite.data !== undefined) return <Token invite={invite.data} />;
  return (
    <Form
      bare
      refusal={refusal}
      submit="Make a token"
      isPending={invite.isPending}
      onSubmit={() => invite.mutate({ zoneid, expireshours: hours })}
    >
      <NativeSelect
        label="Zone"
        description="which the host must be of"
        data={[
          { value: '', label: 'Any zone' },
          ...zones.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        value={zoneid}
        error={refusal.of('zoneid')}
        onChange={(event) => setZone(event.currentTarget.value)}
      />
      <NumberInput
        label="Good for so many hours"
        min={1}
        max={8760}
        value={hours}
        error={refusal.of('expireshours')}
        onChange={setHours}
      />
    </Form>
  );
}

function Token({ invite: { hostinvite } }: { readonly invite: Invite }): ReactNode {
  return (
    <Stack>
      <ShownOnce label="The token, which is shown this once" text={hostinvite.token} />
      <Text size="sm">
        It admits one host, until <Time of={hostinvite.expires} />.
      </Text>
      <List size="sm" type="ordered">
        <List.Item>
          On the KVM host, write it into <Code>/etc/bypass/invite</Code> (mode 0600).
        </List.Item>
        <List.Item>
          Start its worker with <Code>--invite @/etc/bypass/invite</Code>; the host appears here as Up.
        </List.Item>
      </List>
    </Stack>
  );
}
