/** The views by address. */
import { Anchor, createTheme, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useMemo } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { createQueries } from './api/queries.ts';
import { useSession } from './api/session.ts';
import { COLOURS, PRIMARY } from './colours.ts';
import { NotFound } from './layout/not-found.tsx';
import { Login } from './layout/login.tsx';
import { SessionOver } from './layout/session-over.tsx';
import { Shell } from './layout/shell.tsx';
import { Waiting } from './elements/waiting.tsx';

const Overview = lazy(() => import('./overview/overview.tsx'));
const Templates = lazy(async () => ({ default: (await import('./templates/views.tsx')).TemplateViews }));
const Isos = lazy(async () => ({ default: (await import('./templates/views.tsx')).IsoViews }));
const Instances = lazy(async () => ({ default: (await import('./vms/views.tsx')).VmViews }));
const Offerings = lazy(() => import('./offerings/offerings.tsx'));
const Networks = lazy(() => import('./networks/networks.tsx'));
const SshKeys = lazy(() => import('./ssh-keys/ssh-keys.tsx'));
const Deployments = lazy(() => import('./deployments/deployments.tsx'));
const Deployment = lazy(() => import('./deployments/deployment.tsx'));
const Rollouts = lazy(() => import('./rollouts/rollouts.tsx'));
const Hosts = lazy(() => import('./hosts/hosts.tsx'));
const Host = lazy(() => import('./hosts/host.tsx'));
const Pools = lazy(() => import('./pools/pools.tsx'));
const Pool = lazy(() => import('./pools/pool.tsx'));
const Certificates = lazy(() => import('./certificates/certificates.tsx'));
const UploadCertificate = lazy(() => import('./certificates/upload.tsx'));
const Events = lazy(() => import('./events/events.tsx'));
const Jobs = lazy(() => import('./jobs/jobs.tsx'));
const Accounts = lazy(() => import('./accounts/accounts.tsx'));
const Account = lazy(() => import('./accounts/account.tsx'));
const Zones = lazy(() => import('./zones/zones.tsx'));
const Settings = lazy(() => import('./settings/settings.tsx'));
const Me = lazy(() => import('./accounts/me.tsx'));

const theme = createTheme({
  ...PRIMARY,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Links differ from text by more than their colour.
  components: { Anchor: Anchor.extend({ defaultProps: { underline: 'always', inherit: true } }) },
});

const colours = () => ({ variables: {}, ...COLOURS });

/** The content security policy allows only styles with this nonce. */
const nonce = (): string => document.querySelector('meta[name="style-nonce"]')?.getAttribute('content') ?? '';

// The library that locks scrolling under a dialog writes a style too, and takes the nonce from here.
Object.assign(globalThis, { __webpack_nonce__: nonce() });

export function App(): ReactNode {
  const queries = useMemo(createQueries, []);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={colours}
      defaultColorScheme="auto"
      getStyleNonce={nonce}
    >
      <QueryClientProvider client={queries}>
        <Notifications position="bottom-right" />
        <Inside />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Inside(): ReactNode {
  const session = useSession();
  if (session === undefined) return <Login />;
  return (
    // A new user must see nothing of the previous one.
    <Shell key={session.username} session={session}>
      <SessionOver session={session} />
      <Suspense fallback={<Waiting />}>
        <Views isAdmin={session.isAdmin} />
      </Suspense>
    </Shell>
  );
}

function Views({ isAdmin }: { readonly isAdmin: boolean }): ReactNode {
  return (
    <Switch>
      <Route path="/" component={Overview} />
      <Route path="/templates/*?" component={Templates} />
      <Route path="/isos/*?" component={Isos} />
      <Route path="/deployments" component={Deployments} />
      <Route path="/deployments/:id" component={Deployment} />
      <Route path="/instances/*?" component={Instances} />
      <Route path="/offerings" component={Offerings} />
      <Route path="/networks" component={Networks} />
      <Route path="/ssh-keys" component={SshKeys} />
      <Route path="/events" component={Events} />
      <Route path="/jobs" component={Jobs} />
      <Route path="/me" component={Me} />
      <Route path="/overview">
        <Redirect to="/" />
      </Route>
      {isAdmin && (
        <Switch>
          <Route path="/rollouts" component={Rollouts} />
          <Route path="/hosts" component={Hosts} />
          <Route path="/hosts/:id" component={Host} />
          <Route path="/pools" component={Pools} />
          <Route path="/pools/:id" component={Pool} />
          <Route path="/certificates" component={Certificates} />
          <Route path="/certificates/upload" component={UploadCertificate} />
          <Route path="/accounts" component={Accounts} />
          <Route path="/accounts/:id" component={Account} />
          <Route path="/zones" component={Zones} />
          <Route path="/settings" component={Settings} />
          <Route component={NotFound} />
        </Switch>
      )}
      <Route component={NotFound} />
    </Switch>
  );
}
