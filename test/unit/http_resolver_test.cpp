// Name services that never answer, that lie, and that change their mind; and the addresses of a foreign network.
//
// Each test runs in a child process with a network of its own, in which this test is the name service and every address
// is local. Skipped where the kernel does not let the user make one.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <chrono>
#include <clocale>
#include <csignal>
#include <fstream>

#include "http/client.hpp"
#include "unit/http_server.hpp"

namespace etl::http {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using test::HttpServer;

constexpr int kSkipped = 77;

// Makes 127.0.0.1 the name service and every other address of IPv4 a local one (route "local 0.0.0.0/0 dev lo").
bool enter_private_network() {
  const uid_t user = getuid();
  if (unshare(CLONE_NEWNET | CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) return false;
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::string path = testing::TempDir() + "http_resolver_test_" + std::to_string(getpid());
  std::ofstream(path) << "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n";
  const bool mounted = mount(path.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
  remove(path.c_str());
  if (!mounted) return false;
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  const bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

bool route_everything_here() {
  return system("ip route add local 0.0.0.0/0 dev lo 2>/dev/null") == 0;
}

template <typename Body>
void in_private_network(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    if (!enter_private_network()) _exit(kSkipped);
    body();
    fflush(nullptr);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << "no private network here";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

// Answers each A question with what `answer` says; an empty answer is silence. Other questions get no records.
class NameService {
 public:
  using Answer = std::function<std::vector<std::string>(int count)>;

  explicit NameService(Answer answer) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) _exit(kSkipped);
    thread_ = std::thread([this] { run(); });
  }
  ~NameService() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }
  int asked() const { return asked_; }

 private:
  void run() {
    while (!stop_) {
      pollfd polled{fd_, POLLIN, 0};
      if (::poll(&polled, 1, 20) <= 0) continue;
      char packet[512];
      sockaddr_in peer{};
      socklen_t length = sizeof peer;
      const ssize_t size = ::recvfrom(fd_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&peer), &length);
      if (size < 17) continue;
      std::size_t end = 12;
      while (packet[end] != 0) end += static_cast<std::size_t>(packet[end]) + 1;
      end += 5;
      const bool is_a = packet[end - 3] == 1;
      const std::vector<std::string> addresses = answer_(is_a ? asked_++ : asked_.load());
      if (addresses.empty()) continue;
      std::string reply(packet, end);
      reply[2] = '\x81';
      reply[3] = '\x80';
      reply[7] = static_cast<char>(is_a ? addresses.size() : 0);
      reply[9] = reply[11] = 0;
      for (const std::string& text : is_a ? addresses : std::vector<std::string>{}) {
        reply += std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04", 12);
        in_addr address{};
        inet_pton(AF_INET, text.c_str(), &address);
        reply.append(reinterpret_cast<const char*>(&address), 4);
      }
      ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  Answer answer_;
  int fd_ = -1;
  std::atomic<bool> stop_ = false;
  std::atomic<int> asked_ = 0;
  std::thread thread_;
};

Request get(std::string url) {
  Request request;
  request.url = std::move(url);
  request.total_timeout = milliseconds(3000);
  return request;
}

int count_threads() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  }
  return 0;
}

TEST(Resolver, ADeadNameServiceBlocksNothing) {
  in_private_network([] {
    NameService silent([](int) { return std::vector<std::string>{}; });
    PollWaiter waiter;
    const int threads = count_threads();
    {
      auto client = std::make_unique<Client>(waiter, AddressPolicy(), Tls{}, 4);
      for (int i = 0; i < 4; ++i) client->submit(get("https://never.example/"));
      for (int i = 0; i < 5; ++i) client->pump(50);
      EXPECT_EQ(client->in_flight(), 4u);
      EXPECT_EQ(count_threads(), threads + 4) << "the resolver threads hang";
      const auto begin = Clock::now();
      client.reset();
      EXPECT_LT(Clock::now() - begin, milliseconds(200));
    }
    Client client(waiter, AddressPolicy(), Tls{}, 4);
    Request request = get("https://never.example/");
    request.connect_timeout = milliseconds(300);
    auto begin = Clock::now();
    const Reply reply = client.perform(request);
    ASSERT_TRUE(reply.failure);
    EXPECT_EQ(reply.failure->sqlstate, "PE002");
    EXPECT_LT(Clock::now() - begin, milliseconds(600));
    const Ticket ticket = client.submit(request);
    client.pump(50);
    begin = Clock::now();
    client.cancel(ticket);
    EXPECT_LT(Clock::now() - begin, milliseconds(200));
    EXPECT_GE(count_threads(), threads + 5);
    EXPECT_GT(silent.asked(), 0);
  });
}

// exit() runs destructors and atexit handlers, which must not wait for the hanging thread either.
TEST(Resolver, ADeadNameServiceDoesNotHoldTheProcess) {
  in_private_network([] {
    // Bound and never read: silent without a thread, which a fork would not survive.
    const int silent = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(silent, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) _exit(kSkipped);
    const pid_t child = fork();
    if (child == 0) {
      PollWaiter waiter;
      Client client(waiter, AddressPolicy(), Tls{}, 1);
      client.submit(get("https://never.example/"));
      client.pump(100);
      exit(count_threads() == 2 ? 0 : 1);
    }
    const auto begin = Clock::now();
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_LT(Clock::now() - begin, milliseconds(2000));
    ::close(silent);
  });
}

TEST(Resolver, ItsThreadTakesNoSignal) {
  in_private_network([] {
    NameService silent([](int) { return std::vector<std::string>{}; });
    PollWaiter waiter;
    Client client(waiter, AddressPolicy(), Tls{}, 1);
    const int before = count_threads();
    client.submit(get("https://never.example/"));
    client.pump(100);
    ASSERT_EQ(count_threads(), before + 1);
    // The newest thread is the one with the largest id.
    std::string newest;
    FILE* list = popen(("ls /proc/" + std::to_string(getpid()) + "/task | sort -n | tail -1").c_str(), "r");
    char text[32] = "";
    if (fgets(text, sizeof text, list) != nullptr) newest = std::string(text, strcspn(text, "\n"));
    pclose(list);
    std::ifstream status("/proc/self/task/" + newest + "/status");
    unsigned long long blocked = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) blocked = std::stoull(line.substr(7), nullptr, 16);
    }
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGQUIT, SIGCHLD, SIGURG}) {
      EXPECT_TRUE(blocked >> (number - 1) & 1) << number;
    }
    sigset_t ours;
    pthread_sigmask(SIG_BLOCK, nullptr, &ours);
    EXPECT_EQ(sigismember(&ours, SIGTERM), 0) << "our own mask is as it was";
  });
}

TEST(Resolver, RebindingReachesNothing) {
  in_private_network([] {
    if (!route_everything_here()) _exit(kSkipped);
    HttpServer server(HttpServer::always(HttpServer::reply(200, "")), 443);
    NameService alternating([](int count) {
      return std::vector<std::string>{count % 2 == 0 ? "8.8.8.8" : count % 4 == 1 ? "127.0.0.1" : "169.254.169.254"};
    });
    PollWaiter waiter;
    Client client(waiter, AddressPolicy(), Tls{}, 1);
    int refused = 0;
    int public_hits = 0;
    for (int i = 0; i < 1000; ++i) {
      // A name of its own each time, for libcurl keeps answers.
      const Reply reply = client.perform(get("https://rebind" + std::to_string(i) + ".example/"));
      ASSERT_TRUE(reply.failure);
      if (reply.failure->sqlstate == "42501") ++refused;
      if (reply.failure->sqlstate == "08001" && reply.failure->hint.find("TLS") != std::string::npos) ++public_hits;
    }
    EXPECT_EQ(refused, 500);
    EXPECT_EQ(public_hits, 500);
    EXPECT_EQ(server.accepted(), 500) << "only the public address was connected";
  });
}

TEST(Resolver, ANameWithOneAllowedAddressUsesThatOne) {
  in_private_network([] {
    if (!route_everything_here()) _exit(kSkipped);
    HttpServer server(HttpServer::always(HttpServer::reply(200, "")), 9200);
    NameService both([](int) { return std::vector<std::string>{"10.0.0.1", "10.9.0.1"}; });
    PollWaiter waiter;
    Client client(waiter, AddressPolicy::parse("10.9.0.0/16"), Tls{}, 1);
    EXPECT_FALSE(client.perform(get("http://two.example:9200/")).failure);
    EXPECT_EQ(server.accepted(), 1);
    const Reply closed = client.perform(get("http://two.example:9201/"));
    ASSERT_TRUE(closed.failure);
    EXPECT_EQ(closed.failure->sqlstate, "08001") << "an allowed address that is down may come back";
    Client named(waiter, AddressPolicy::parse("two.example:9200"), Tls{}, 1);
    EXPECT_FALSE(named.perform(get("http://TWO.example.:9200/")).failure);
    EXPECT_EQ(server.accepted(), 2);
    const Reply other = named.perform(get("http://three.example:9200/"));
    ASSERT_TRUE(other.failure);
    EXPECT_EQ(other.failure->sqlstate, "42501");
  });
}

TEST(Resolver, InternalAddressesOfALiveNetworkAreNotReached) {
  in_private_network([] {
    if (!route_everything_here()) _exit(kSkipped);
    HttpServer server(HttpServer::always(HttpServer::reply(200, "")), 8080);
    setlocale(LC_CTYPE, "C.UTF-8");  // libcurl reads circled digits in a UTF-8 locale only
    PollWaiter waiter;
    Client open(waiter, AddressPolicy::parse("0.0.0.0/0"), Tls{}, 1);
    Client closed(waiter, AddressPolicy(), Tls{}, 1);
    for (const char* host : {"10.0.0.1",           "100.64.0.1",      "100.100.100.200",
                             "127.0.0.1",          "168.63.129.16",   "169.254.0.1",
                             "169.254.169.254",    "172.16.0.1",      "172.31.255.254",
                             "192.0.0.192",        "192.0.2.1",       "192.168.1.1",
                             "198.18.0.1",         "198.51.100.1",    "203.0.113.1",
                             "2852039166",         "0xa9fea9fe",      "0251.0376.0251.0376",
                             "169.254.43518",      "0xa9.0376.43518", "[::ffff:169.254.169.254]",
                             "[::ffff:a9fe:a9fe]", "①⑥⑨.②⑤④.①⑥⑨.②⑤④"}) {
      const std::string url = std::string("http://") + host + ":8080/";
      const int before = server.accepted();
      const Reply refused = closed.perform(get(url));
      ASSERT_TRUE(refused.failure) << host;
      EXPECT_EQ(refused.failure->sqlstate, "42501") << host;
      EXPECT_EQ(server.accepted(), before) << host;
      const Reply reply = open.perform(get(url));
      EXPECT_FALSE(reply.failure) << host << ": " << reply.failure->detail;
    }
  });
}

}  // namespace
}  // namespace etl::http
