#include "decision/lists.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace paywarden {
namespace {

TEST(StringSet, EqualsAPlainSetWhateverIsDone) {
  Random random(7);
  StringSet set;
  std::set<std::string> plain;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = "entry " + std::to_string(random.below(3000));
    if (random.chance(0.01)) text = "";
    bool grows = i / 10'000 % 2 == 0;
    if (random.chance(grows ? 0.8 : 0.2))
      ASSERT_EQ(set.insert(text), plain.insert(text).second) << i;
    else
      ASSERT_EQ(set.erase(text), plain.erase(text) == 1) << i;
    ASSERT_EQ(set.size(), plain.size());
    std::string other = "entry " + std::to_string(random.below(3000));
    ASSERT_EQ(set.contains(other), plain.contains(other)) << i;
  }
  std::vector<std::string_view> sorted = set.sorted();
  EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), plain.begin(), plain.end()));
  size_t bytes = 0;
  StringSet again;
  for (const std::string& text : plain) {
    again.insert(text);
    bytes += text.size();
  }
  EXPECT_EQ(set.text_bytes(), bytes);
  EXPECT_EQ(set.hash(), again.hash()) << "the hash is the content's, not the history's";
  again.erase(*plain.begin());
  EXPECT_NE(set.hash(), again.hash());
}

TEST(StringSet, MemoryDoesNotGrowWithWhatWasErased) {
  StringSet set;
  for (int i = 0; i < 100'000; ++i) {
    set.insert("entry " + std::to_string(i));
    if (i >= 10) set.erase("entry " + std::to_string(i - 10));
    ASSERT_LT(set.memory_bytes(), 8192u) << i;
  }
  EXPECT_EQ(set.size(), 10u);
}

std::string content(const Lists& lists, std::string_view name) {
  std::string all;
  for (std::string_view entry : lists.find(name)->sorted()) all += std::string(entry) + "|";
  return all;
}

TEST(Lists, Operations) {
  Lists lists;
  ASSERT_TRUE(lists.apply({ListOperation::replace, "shops", "  Corner Shop \r\n\n\tZoo\nZoo"}));
  EXPECT_EQ(content(lists, "shops"), "Corner Shop|Zoo|");
  const StringSet* place = lists.find("shops");
  ASSERT_TRUE(lists.apply({ListOperation::add, "shops", "Abbey\nZoo\n"}));
  EXPECT_EQ(content(lists, "shops"), "Abbey|Corner Shop|Zoo|");
  ASSERT_TRUE(lists.apply({ListOperation::remove, "shops", "Zoo\nnobody\n"}));
  EXPECT_EQ(content(lists, "shops"), "Abbey|Corner Shop|");
  ASSERT_TRUE(lists.apply({ListOperation::replace, "shops", "New"}));
  EXPECT_EQ(content(lists, "shops"), "New|");
  EXPECT_EQ(lists.find("shops"), place) << "rules point at it";
  ASSERT_TRUE(lists.apply({ListOperation::drop, "shops", ""}));
  EXPECT_EQ(lists.find("shops"), nullptr);
}

TEST(Lists, RefusesWhatItSaysAndChangesNothing) {
  ListLimits limits{.lists_max = 2, .entries_max = 4, .bytes_max = 20, .entry_bytes_max = 12};
  Lists lists(limits);
  ASSERT_TRUE(lists.apply({ListOperation::replace, "a", "one\ntwo"}));
  ASSERT_TRUE(lists.apply({ListOperation::replace, "b", "three"}));
  Hash128 before = lists.hash();
  struct Row {
    ListEdit edit;
    const char* said;
  };
  for (const Row& row : {
           Row{{ListOperation::add, "aa", "x"}, "there is no list 'aa'; did you mean 'a'?"},
           Row{{ListOperation::remove, "xyz", "x"},
               "there is no list 'xyz'; make it with a replace"},
           Row{{ListOperation::drop, "xyz", ""}, "there is no list 'xyz'; make it with a replace"},
           Row{{ListOperation::replace, "c", ""},
               "there are 2 lists already; drop one that no rule uses"},
           Row{{ListOperation::replace, "A list", ""},
               "that is no name for a list; use a-z, 0-9 and _, a letter first, at most 64"},
           Row{{ListOperation::add, "a", "x\n1234567890123"},
               "list 'a', line 2: an entry has more than 12 bytes; put one entry on each line"},
           Row{{ListOperation::add, "a", "x\x01y"},
               "list 'a', line 1: an entry holds a control character; remove it"},
           Row{{ListOperation::add, "a", "x", true},
               "list 'a', line 1: an entry is not a card token, and rules look for cards in this "
               "list; a token is 32 hex digits in lower case, as the decision page shows it"},
           Row{{ListOperation::add, "a", "x\ny"},
               "list 'a': the lists would hold more than 4 entries; remove what is not needed"},
           Row{{ListOperation::add, "a", "123456789012"},
               "list 'a': the lists would hold more than 20 bytes; remove what is not needed"},
           Row{{ListOperation::replace, "a", "1\n2\n3\n4\n5"},
               "list 'a', line 5: more than 4 entries; shorten the list"},
       }) {
    Status checked = lists.check(row.edit), applied = lists.apply(row.edit);
    ASSERT_FALSE(checked) << row.said;
    EXPECT_EQ(checked.error().line(), row.said);
    ASSERT_FALSE(applied) << row.said;
    EXPECT_EQ(applied.error().line(), row.said);
    EXPECT_EQ(lists.hash(), before) << row.said;
  }
  EXPECT_TRUE(lists.check({ListOperation::add, "a", "one\ntwo\nx"}))
      << "what is there already counts once";
  EXPECT_TRUE(lists.check({ListOperation::replace, "a", "1\n2\n3"}))
      << "what is replaced does not count";
}

TEST(Lists, NoCardNumberEntersNorIsRepeated) {
  Lists lists;
  Status done = lists.apply({ListOperation::replace, "blocked", "fine\n4111 1111 1111 1111\n"});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().line(),
            "list 'blocked', line 2: an entry looks like a card number; lists hold card tokens, "
            "never card numbers");
  EXPECT_EQ(lists.find("blocked"), nullptr);
}

TEST(Lists, BytesAndHashDoNotKnowTheHistory) {
  Lists one, other, back;
  ASSERT_TRUE(one.apply({ListOperation::replace, "b", "x\ny\nz"}));
  ASSERT_TRUE(one.apply({ListOperation::replace, "a", ""}));
  ASSERT_TRUE(other.apply({ListOperation::replace, "a", "q"}));
  ASSERT_TRUE(other.apply({ListOperation::remove, "a", "q"}));
  ASSERT_TRUE(other.apply({ListOperation::replace, "b", "z\nw\ny"}));
  ASSERT_TRUE(other.apply({ListOperation::add, "b", "x"}));
  EXPECT_NE(one.hash(), other.hash());
  ASSERT_TRUE(other.apply({ListOperation::remove, "b", "w"}));
  std::string bytes, same;
  ByteWriter first(bytes), second(same);
  one.encode(first);
  other.encode(second);
  EXPECT_EQ(bytes, same);
  EXPECT_EQ(one.hash(), other.hash());
  ByteReader whole(bytes);
  ASSERT_TRUE(back.restore(whole));
  EXPECT_EQ(back.hash(), one.hash());
  EXPECT_EQ(content(back, "b"), "x|y|z|");
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader part(std::string_view(bytes).substr(0, cut));
    EXPECT_FALSE(back.restore(part)) << cut;
  }
  EXPECT_EQ(back.hash(), one.hash());
}

}  // namespace
}  // namespace paywarden
