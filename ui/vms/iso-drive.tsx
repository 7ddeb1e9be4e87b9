/** The CD-ROM drive of a machine: the attached ISO, and how to change it. */
import { Anchor, Group, Select, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { useCommand, useList } from '../api/queries.ts';
import type { Template, VirtualMachine } from '../../model/api-answers.ts';
import { ActionButton } from '../elements/action-button.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Form } from '../elements/form.tsx';
import { refusalOf } from '../elements/refusal.ts';

export function IsoDrive({ vm }: { readonly vm: VirtualMachine }): ReactNode {
  const { id, isoid, isoname, name, state } = vm;
  const isChangeable = state === 'Running' || state === 'Stopped';
  return (
    <Group gap="sm">
      <Text span>
        {isoid === undefined ? (
          'empty'
        ) : (
          <Anchor component={Link} href={`/isos/${isoid}`}>
            {isoname}
          </Anchor>
        )}
      </Text>
      {isChangeable && isoid === undefined && (
        <Dialog label="Attach an ISO" title={`Attach an ISO to ${name}`} size="compact-sm" variant="light">
          {(close) => <AttachForm vm={vm} onDone={close} />}
        </Dialog>
      )}
      {isChangeable && isoid !== undefined && (
        <ActionButton label="Detach" command="detachIso" values={{ virtualmachineid: id }} asJob />
      )}
    </Group>
  );
}

function AttachForm({
  vm: { id, zoneid },
  onDone,
}: {
  readonly vm: VirtualMachine;
  readonly onDone: () => void;
}): ReactNode {
  const [iso, setIso] = useState<string | null>(null);
  const isos = useList<Template>('listIsos', 'iso', { isofilter: 'executable', zoneid }).data?.rows ?? [];
  const attach = useCommand('attachIso', { onDone, asJob: true });
  return (
    <Form
      bare
      refusal={refusalOf(attach.error, [])}
      submit="Attach"
      isPending={attach.isPending}
      onSubmit={() => {
        if (iso !== null) attach.mutate({ id: iso, virtualmachineid: id });
      }}
    >
      <Select
        label="ISO"
        description="a host downloads it to the pool of the machine first, unless it is there"
        required
        searchable
        data={isos.filter(({ isready }) => isready).map((one) => ({ value: one.id, label: one.name }))}
        value={iso}
        nothingFoundMessage="No ISO is like that"
        onChange={setIso}
      />
    </Form>
  );
}
