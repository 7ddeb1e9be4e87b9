/** API keys of a user. The secret key is shown only once, when the keys are created. */
import { Button, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useCommand } from '../api/queries.ts';
import type { User } from '../../model/api-answers.ts';
import { Dialog } from '../elements/dialog.tsx';
import { ShownOnce } from '../elements/shown-once.tsx';
import { Trouble } from '../elements/trouble.tsx';

interface Keys {
  readonly userkeys: { readonly apikey: string; readonly secretkey: string };
}

export function NewKeys({ user: { id, username } }: { readonly user: User }): ReactNode {
  return (
    <Dialog
      label="New keys"
      name={`New keys for ${username}`}
      title={`New keys for ${username}`}
      size="compact-sm"
      variant="light"
    >
      {() => <Renew id={id} username={username} />}
    </Dialog>
  );
}

function Renew({ id, username }: Pick<User, 'id' | 'username'>): ReactNode {
  const renew = useCommand<Keys>('registerUserKeys');
  const keys = renew.data?.userkeys;
  if (keys !== undefined) {
    return (
      <Stack>
        <ShownOnce label="API key" text={keys.apikey} />
        <ShownOnce label="Secret key" text={keys.secretkey} />
        <Text size="sm">The secret key is shown this once: keep it now.</Text>
      </Stack>
    );
  }
  return (
    <Stack>
      <Text size="sm">
        Scripts call as {username} with an API key and a secret key. The keys that {username} has, if any, are
        no longer good then.
      </Text>
      <Trouble error={renew.error} evenIfLost />
      <Button loading={renew.isPending} onClick={() => renew.mutate({ id })}>
        Make new keys
      </Button>
    </Stack>
  );
}
