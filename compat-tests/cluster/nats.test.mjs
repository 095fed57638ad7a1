// Official servers cannot join, so only servers of this repository play here.

import { embeddedNATS, startNATS } from "../lib/nats.mjs";
import { target } from "../lib/server.mjs";
import { natsOutage } from "./failover.mjs";
import { play, useBroker } from "./mix.mjs";
import { model } from "./model.mjs";
import { recovery } from "./recovery.mjs";
import { scenarios } from "./scenarios.mjs";
import { embeddedNats, jetStream, nats, recoveringEmbedded, recoveringJetStream } from "./wires.mjs";

const [two, three] = target === "node" ? [[], []] : [[["here", "here"]], [["here", "here", "here"]]];
const broker = useBroker(startNATS);
play(nats, broker, [...scenarios, ...model, natsOutage], { only: three });
play(jetStream, broker, [...scenarios, natsOutage], { only: two });
play(recoveringJetStream, broker, recovery, { only: two });
play(embeddedNats, useBroker(() => embeddedNATS(1)), [...scenarios, ...model], { only: three });
// Only its nodes can read the stored sessions: the tests of adapter/nats/embedded kill a node.
play(recoveringEmbedded, useBroker(() => embeddedNATS(3)), recovery.filter(({ name }) => !/killed/.test(name)), { only: three });
