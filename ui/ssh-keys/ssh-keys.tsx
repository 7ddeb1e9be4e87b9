/** SSH key pairs that may log in to machines. */
import { Button, Group, Stack, Table, Text, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import type { SshKeyPair, NewSshKeyPair } from '../../model/api-answers.ts';
import { useCommand, useList } from '../api/queries.ts';
import { useAction } from '../elements/action-button.tsx';
import { Confirm } from '../elements/confirm.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { Form } from '../elements/form.tsx';
import { PAGE_SIZE, Paging, usePage } from '../elements/paging.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ShownOnce } from '../elements/shown-once.tsx';
import { useTextFields } from '../elements/text-fields.ts';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';

export default function SshKeys(): ReactNode {
  const [page] = usePage();
  const { data, error, isLoading } = useList<SshKeyPair>('listSSHKeyPairs', 'sshkeypair', {
    page,
    pagesize: PAGE_SIZE,
  });
  const rows = data?.rows ?? [];
  return (
    <>
      <ViewHead title="SSH keys">
        <Dialog label="Make a key pair" title="Make a key pair" variant="light">
          {(close) => <MakeForm onDone={close} />}
        </Dialog>
        <Dialog
          label="Register a key"
          title="Register a public key"
          leftSection={<IconPlus size={16} aria-hidden />}
        >
          {(close) => <RegisterForm onDone={close} />}
        </Dialog>
      </ViewHead>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No SSH key yet">
          Register your public key, such as the file <code>~/.ssh/id_ed25519.pub</code>: instances that are
          deployed with it let you log in.
        </Empty>
      ) : (
        <Table verticalSpacing="sm" className="cards" layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="24%">Name</Table.Th>
              <Table.Th>Fingerprint</Table.Th>
              <Table.Th w="16%">Account</Table.Th>
              <Table.Th w={120}>Actions</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.fingerprint}>
                <Table.Td data-label="Name" className="long">
                  {row.name}
                </Table.Td>
                <Table.Td data-label="Fingerprint" className="long">
                  <code>{row.fingerprint}</code>
                </Table.Td>
                <Table.Td data-label="Account">{row.account}</Table.Td>
                <Table.Td data-label="Actions">
                  <Remove name={row.name} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <Paging count={data?.count ?? 0} />
    </>
  );
}

function Remove({ name }: { readonly name: string }): ReactNode {
  const remove = useAction('deleteSSHKeyPair', `SSH key ${name} was deleted`);
  return (
    <Confirm
      label="Delete"
      name={`Delete ${name}`}
      title={`Delete SSH key ${name}?`}
      size="compact-sm"
      icon={<IconTrash size={14} aria-hidden />}
      disabled={remove.isPending}
      onConfirm={() => remove.act({ name })}
    >
      Instances that have it keep it; no new one can have it.
    </Confirm>
  );
}

interface FormProps {
  readonly onDone: () => void;
}

function RegisterForm({ onDone }: FormProps): ReactNode {
  const register = useCommand('registerSSHKeyPair', { onDone });
  const { values, refusal, field } = useTextFields({ name: '', publickey: '' }, register.error);
  const [isPrivate, setIsPrivate] = useState(false);
  const submit = (): void => {
    // A private key must not leave the browser.
    setIsPrivate(values.publickey.includes('PRIVATE KEY'));
    if (!values.publickey.includes('PRIVATE KEY')) register.mutate(values);
  };
  return (
    <Form bare refusal={refusal} submit="Register" isPending={register.isPending} onSubmit={submit}>
      <TextInput label="Name" required data-autofocus {...field('name')} />
      <Textarea
        label="Public key"
        description="one line, such as ssh-ed25519 AAAA… me@laptop"
        required
        autosize
        minRows={3}
        maxRows={8}
        classNames={{ input: 'pem' }}
        {...field('publickey')}
        {...(isPrivate
          ? {
              error:
                'This is a private key, which was not sent. Give the public one, from the file that ends in .pub.',
            }
          : {})}
      />
    </Form>
  );
}

interface Made {
  readonly keypair: NewSshKeyPair & { readonly privatekey: string };
}

function MakeForm({ onDone }: FormProps): ReactNode {
  const [name, setName] = useState('');
  const create = useCommand<Made>('createSSHKeyPair');
  const made = create.data?.keypair;
  const refusal = refusalOf(create.error, ['name']);
  if (made !== undefined) {
    return (
      <Stack>
        <ShownOnce label="Private key" text={made.privatekey} />
        <Text size="sm">The private key is shown this once, and kept nowhere: keep it now.</Text>
        <Group>
          <Button variant="default" onClick={onDone}>
            I have it
          </Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Form
      bare
      refusal={refusal}
      submit="Make"
      isPending={create.isPending}
      onSubmit={() => create.mutate({ name })}
    >
      <TextInput
        label="Name"
        required
        data-autofocus
        value={name}
        error={refusal.of('name')}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Form>
  );
}
