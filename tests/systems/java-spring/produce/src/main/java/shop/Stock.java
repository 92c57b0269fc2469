package shop;

import java.util.stream.IntStream;
import org.springframework.context.annotation.Profile;
import org.springframework.http.HttpStatus;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Answers from an H2 database through JDBC. */
@RestController
@Profile("stock")
public class Stock {
  private final JdbcTemplate database;

  Stock(JdbcTemplate database) {
    this.database = database;
    database.execute("create table articles (id integer primary key, price integer)");
    database.execute("insert into articles select x, x * 3 from system_range(0, 99)");
  }

  private int price(int article) {
    return database.queryForObject("select price from articles where id = ?", Integer.class, article);
  }

  @GetMapping("/articles/{article}")
  String article(@PathVariable int article, @RequestParam(defaultValue = "0") double seconds) throws InterruptedException {
    Thread.sleep((long) (seconds * 1000));
    return "price " + price(article);
  }

  @GetMapping("/articles/{article}/margin")
  String margin(@PathVariable int article) {
    try {
      return "margin " + share(price(article), 0);
    } catch (ArithmeticException error) {
      throw new IllegalStateException("no margin for article " + article, error);
    }
  }

  private static int share(int gain, int cost) {
    return gain / cost;
  }

  @GetMapping("/articles/{article}/reservation")
  String reservation(@PathVariable int article) {
    return database.queryForList("select * from reservations where article = ?", article).toString();
  }

  @GetMapping("/articles/{article}/missing")
  String missing(@PathVariable int article) {
    throw new ResponseStatusException(HttpStatus.NOT_FOUND, "no article " + article);
  }

  @GetMapping("/catalog")
  String catalog() {
    return IntStream.range(0, 15).map(this::price).boxed().toList().toString();
  }
}
