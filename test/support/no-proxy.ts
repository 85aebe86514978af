// What the settings of the proxy are where no Traefik is set up.

import type { ProxyConfig } from '../../src/config.ts'

export const noProxy: ProxyConfig = {
  container: undefined,
  token: undefined,
  entrypoints: 'web',
  middlewares: undefined,
  labDomain: 'lab.localhost',
  sandboxes: '10.201.0.0/16',
}
