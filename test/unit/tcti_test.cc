#include <gtest/gtest.h>

#include "tpm2/error.h"
#include "tpm2/transport.h"

namespace tpm2 {
namespace {

struct Good {
  const char* text;
  const char* name;
  const char* path;
  std::map<std::string, std::string> options;
  const char* config;
  const char* canonical;
};

std::map<std::string, std::string> Tcp(std::string host, std::string port) {
  return {{"host", std::move(host)}, {"port", std::move(port)}};
}

TEST(TctiTest, UnderstandsWhatTpm2ToolsUsersWrite) {
  const Good table[] = {
      {"device", "device", "", {}, "", "device"},
      {"device:/dev/tpmrm0", "device", "/dev/tpmrm0", {}, "", "device:/dev/tpmrm0"},
      {"device:/tmp/a:b,c=d", "device", "/tmp/a:b,c=d", {}, "", "device:/tmp/a:b,c=d"},
      {"swtpm", "swtpm", "", Tcp("localhost", "2321"), "", "swtpm:host=localhost,port=2321"},
      {"swtpm:", "swtpm", "", Tcp("localhost", "2321"), "", "swtpm:host=localhost,port=2321"},
      {"swtpm:port=1", "swtpm", "", Tcp("localhost", "1"), "", "swtpm:host=localhost,port=1"},
      {"swtpm:port=65535,host=tpm", "swtpm", "", Tcp("tpm", "65535"), "",
       "swtpm:host=tpm,port=65535"},
      {"swtpm:port=02321", "swtpm", "", Tcp("localhost", "2321"), "",
       "swtpm:host=localhost,port=2321"},
      {"swtpm:host=::1,port=7", "swtpm", "", Tcp("::1", "7"), "", "swtpm:host=::1,port=7"},
      {"swtpm:host=[fe80::],port=7", "swtpm", "", Tcp("fe80::", "7"), "",
       "swtpm:host=fe80::,port=7"},
      {"swtpm:path=/run/tpm.sock",
       "swtpm",
       "",
       {{"path", "/run/tpm.sock"}},
       "",
       "swtpm:path=/run/tpm.sock"},
      {"swtpm:path=/run/a=b", "swtpm", "", {{"path", "/run/a=b"}}, "", "swtpm:path=/run/a=b"},
      {"mssim", "mssim", "", Tcp("localhost", "2321"), "", "mssim:host=localhost,port=2321"},
      {"mssim:host=10.0.0.1,port=65534", "mssim", "", Tcp("10.0.0.1", "65534"), "",
       "mssim:host=10.0.0.1,port=65534"},
      {"mssim:path=/run/s", "mssim", "", {{"path", "/run/s"}}, "", "mssim:path=/run/s"},
      {"tabrmd", "tabrmd", "", {}, "", "tabrmd:"},
      {"tabrmd:bus_type=system", "tabrmd", "", {}, "bus_type=system", "tabrmd:bus_type=system"},
      {"tbs", "tbs", "", {}, "", "tbs:"},
      {"tbs:", "tbs", "", {}, "", "tbs:"},
      {"module:libtss2-tcti-cmd.so.0:tpm2_send -T x:y",
       "module",
       "libtss2-tcti-cmd.so.0",
       {},
       "tpm2_send -T x:y",
       "module:libtss2-tcti-cmd.so.0:tpm2_send -T x:y"},
      {"module:libx", "module", "libx", {}, "", "module:libx:"},
      {"libtss2-tcti-swtpm.so.0:port=1",
       "module",
       "libtss2-tcti-swtpm.so.0",
       {},
       "port=1",
       "module:libtss2-tcti-swtpm.so.0:port=1"},
      {"libtss2-tcti-device.so",
       "module",
       "libtss2-tcti-device.so",
       {},
       "",
       "module:libtss2-tcti-device.so:"},
      {"/usr/lib/my.so:c", "module", "/usr/lib/my.so", {}, "c", "module:/usr/lib/my.so:c"},
  };
  for (const Good& good : table) {
    SCOPED_TRACE(good.text);
    const Tcti tcti = ParseTcti(good.text);
    EXPECT_EQ(tcti.name, good.name);
    EXPECT_EQ(tcti.path, good.path);
    EXPECT_EQ(tcti.options, good.options);
    EXPECT_EQ(tcti.config, good.config);
    EXPECT_EQ(tcti.text, good.text);
    EXPECT_EQ(CanonicalTcti(tcti), good.canonical);
    EXPECT_EQ(CanonicalTcti(ParseTcti(CanonicalTcti(tcti))), good.canonical);
  }
}

struct Bad {
  std::string text;
  const char* says;
};

TEST(TctiTest, SaysWhatIsWrong) {
  const Bad table[] = {
      {"", "empty"},
      {":", "no name"},
      {":/dev/tpm0", "no name"},
      {"swtmp:port=1", "known are device, swtpm, mssim, tabrmd, tbs and module"},
      {"Device:/dev/tpm0", "unknown name 'Device'"},
      {"cmd:tpm2_send", "unknown name 'cmd'"},
      {"/dev/tpmrm0", "path without the name"},
      {"/run/tpm.sock", "path without the name"},
      {"device:", "no device file"},
      {std::string("device:/dev/tpm0\0x", 18), "NUL"},
      {std::string("\0", 1), "NUL"},
      {"swtpm:hots=x", "unknown option 'hots'"},
      {"swtpm:nonsense", "unknown option 'nonsense'"},
      {"swtpm:HOST=x", "unknown option 'HOST'"},
      {"swtpm:host", "'host' of tcti 'swtpm:host' has no value"},
      {"swtpm:host=", "has no value"},
      {"swtpm:host=[]", "has no value"},
      {"swtpm:path=", "has no value"},
      {"swtpm:port=", "has no value"},
      {"swtpm:port=1,port=1", "'port' twice"},
      {"swtpm:path=/a,path=/b", "'path' twice"},
      {"swtpm:path=/a,port=1", "both a path and a host or port"},
      {"swtpm:host=h,path=/a", "both a path and a host or port"},
      {"swtpm:,", "comma"},
      {"swtpm:port=1,", "comma"},
      {"swtpm:port=1,,host=x", "comma"},
      {"swtpm:port=0", "not a number from 1 to 65535"},
      {"swtpm:port=65536", "not a number from 1 to 65535"},
      {"swtpm:port=99999999999999999999", "not a number from 1 to 65535"},
      {"swtpm:port=-1", "not a number from 1 to 65535"},
      {"swtpm:port=+1", "not a number from 1 to 65535"},
      {"swtpm:port= 1", "not a number from 1 to 65535"},
      {"swtpm:port=1x", "not a number from 1 to 65535"},
      {"swtpm:port=0x10", "not a number from 1 to 65535"},
      {"mssim:port=65535", "beyond 65535"},
      {"swtpm:path=/" + std::string(107, 'a'), "more than the 107"},
      {"mssim:path=/" + std::string(102, 'a'), "more than the 102"},
      {"tbs:x", "takes no options"},
      {"module", "names no library"},
      {"module:", "names no library"},
      {"module::conf", "names no library"},
  };
  for (const Bad& bad : table) {
    SCOPED_TRACE(bad.text);
    try {
      ParseTcti(bad.text);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
      EXPECT_NE(error.message.find(bad.says), std::string::npos) << error.message;
      EXPECT_FALSE(error.suggestion.empty());
    }
  }
}

TEST(TctiTest, LongestSocketPathsAreAccepted) {
  EXPECT_EQ(ParseTcti("swtpm:path=/" + std::string(106, 'a')).options.at("path").size(), 107u);
  EXPECT_EQ(ParseTcti("mssim:path=/" + std::string(101, 'a')).options.at("path").size(), 102u);
}

TEST(TctiTest, MessagesAreShortAndPrintable) {
  try {
    ParseTcti("bad\x1b[31m\n" + std::string(5000, 'x'));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_LT(error.message.size(), 400u);
    EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
}

TEST(TctiTest, EveryByteStringEndsInATctiOrInInvalidArgument) {
  const std::string pieces[] = {"swtpm", "mssim", "device", ":",     "=",       ",",    "host",
                                "port",  "path",  "1",      "/dev/", "tabrmd:", ".so.", "\xff"};
  for (const auto& a : pieces) {
    for (const auto& b : pieces) {
      for (const auto& c : pieces) {
        for (const auto& d : pieces) {
          try {
            const Tcti tcti = ParseTcti(a + b + c + d);
            EXPECT_FALSE(tcti.name.empty());
          } catch (const Error& error) {
            ASSERT_EQ(error.code, ErrorCode::kInvalidArgument);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace tpm2
