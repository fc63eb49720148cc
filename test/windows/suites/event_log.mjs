// The measurement log of a Windows 10 1803 or later.
import { testEventLog } from '../lib/event_log.mjs';

testEventLog('Tbsi_Get_TCG_Log_Ex');
